/* The words of the guest's vDSO that the kernel process fills in; found in the image by the magic. */
#ifndef ARCH_TIME_VDSO_DATA_H
#define ARCH_TIME_VDSO_DATA_H
#include <umber/types.h>

#define VDSO_MAGIC 0x6f736476726562ULL

struct vdso_data {
	u64 magic;
	u64 host_clock_gettime; /* address in every stub, 0: none */
	s64 mono_offset_ns, real_offset_ns;
};
#endif
