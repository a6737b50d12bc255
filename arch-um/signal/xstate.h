/* The XSAVE image in a signal frame: where it has what (Intel SDM vol. 1 ch. 13; struct _fpx_sw_bytes of the host's ABI). */
#ifndef ARCH_SIGNAL_XSTATE_H
#define ARCH_SIGNAL_XSTATE_H
#include <umber/types.h>

#define XSW_OFF 464u  /* struct sw_bytes, for software */
#define XHDR_OFF 512u /* header, then the components */
struct sw_bytes { u32 magic1, extended_size; u64 xfeatures; u32 xstate_size, padding[7]; };
_Static_assert(sizeof(struct sw_bytes) == XHDR_OFF - XSW_OFF, "fpx_sw_bytes is 48 bytes at 464");
#endif
