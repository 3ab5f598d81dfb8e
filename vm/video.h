/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen: display, RFB server, the text screen in a terminal, pictures; and input. */
#ifndef LODGE_VM_VIDEO_H
#define LODGE_VM_VIDEO_H

struct buf;
struct err;
struct input;
struct machine;

/* Before the devices: the display is a back end of the video device. */
int video_create(struct machine *m, struct err *e);
void video_destroy(struct machine *m);
/* Main thread, without the lock. The descriptor stays the caller's. */
int video_screenshot(struct machine *m, int fd, struct err *e);
/* The text screen as UTF-8; says so when it is a picture. */
void video_text(struct machine *m, struct buf *out);
struct input *video_input(struct machine *m);

#endif
