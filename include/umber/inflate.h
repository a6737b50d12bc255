/* DEFLATE (RFC 1951) and gzip (RFC 1952) decompression. Any context; allocates about 80 KiB while it runs. */
#ifndef UMBER_INFLATE_H
#define UMBER_INFLATE_H
#include <umber/types.h>

/* Takes n bytes of output. 0, or negative errno, which ends the decompression with it. May sleep. */
typedef int (*inflate_out_fn)(void *ctx, const u8 *p, size_t n);
/* Both return the bytes of input consumed, -EINVAL for bad or cut-off data, -ENOMEM, or what out said. Whatever the
 * input, memory use stays fixed and nothing outside [in, in + n) is read. */
ssize_t inflate_raw(const u8 *in, size_t n, inflate_out_fn out, void *ctx);
ssize_t gunzip(const u8 *in, size_t n, inflate_out_fn out, void *ctx); /* one member, checksum and length checked */
u32 crc32_update(u32 crc, const u8 *p, size_t n);                      /* start with 0 */
#endif
