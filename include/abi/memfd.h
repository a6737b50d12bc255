/* memfd_create(2) and getrandom(2) flags of the Linux ABI. */
#ifndef ABI_MEMFD_H
#define ABI_MEMFD_H

#ifndef UMBER_HOSTED
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_HUGETLB 4u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#define MFD_HUGE_MASK (63u << 26)
#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u
#endif
#endif
