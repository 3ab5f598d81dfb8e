/* temporary */
#ifndef MISSING_H
#define MISSING_H
#include "dev/dev.h"
#include "vm/proto.h"
#if __has_include("dev/ioapic.h")
#include "dev/ioapic.h"
#else
static inline bool ioapic_input(struct dev *d, unsigned n, bool l) { (void)d;(void)n;(void)l; return false; }
static inline void ioapic_eoi(struct dev *d, uint8_t v) {(void)d;(void)v;}
#endif
#if __has_include("dev/i8237.h")
#include "dev/i8237.h"
#else
#define i8237_transfer(...) 0
#endif
#if __has_include("dev/mc146818.h")
#include "dev/mc146818.h"
#else
#define mc146818_set_cmos(d, i, v) ((void)(d), (void)(v))
#endif
#if __has_include("dev/i8042.h")
#include "dev/i8042.h"
#else
#define i8042_key(...) ((void)0)
#define i8042_mouse(...) ((void)0)
#define i8042_leds(d) 0
#endif
#if __has_include("dev/fdc.h")
#include "dev/fdc.h"
#else
#define fdc_set_media(...) (-ENODEV)
#endif
#if __has_include("vm/acpi_tables.h")
#include "vm/acpi_tables.h"
#else
#define acpi_tables_add(...) 0
#endif
#if __has_include("vm/smbios.h")
#include "vm/smbios.h"
#else
#define smbios_add(...) 0
#endif
#if __has_include("vm/bootload.h")
#include "vm/bootload.h"
#else
#define BOOTLOAD_ROM_NAME "x"
#define bootload_add(...) 0
#endif
#endif
