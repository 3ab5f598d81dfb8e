#include "vm/gdb.h"
int gdb_create(struct machine *m, struct err *e) { return 0; }
void gdb_destroy(struct machine *m) {}
void gdb_stopped(struct machine *m) {}
