/* ice/srtcp.h: SRTCP of one session by libsrtp2, with a cap on the SSRCs it keeps state for.
 *
 * libsrtp2 makes a stream (and a cipher context) for every SSRC it meets and never forgets one; this wrapper counts
 * them. Status values are enum srtp_status. Sources: RFC 3711 §3.4, RFC 7714 §9. */
#ifndef ICE_SRTCP_H
#define ICE_SRTCP_H

#include "ice/srtp_keys.h"

struct srtcp;

/* Process-wide start and stop of libsrtp2, counted, so that every engine may call them. */
int srtcp_library_acquire(void);
void srtcp_library_release(void);

int srtcp_create(struct srtcp **out, const struct srtp_profile_info *info, const struct srtp_master *sending,
                 const struct srtp_master *receiving);
void srtcp_free(struct srtcp *s);

/* As srtp_session_seal_rtcp() and srtp_session_open_rtcp(). */
int srtcp_seal(struct srtcp *s, const uint8_t *packet, size_t len, uint8_t *out, size_t cap);
int srtcp_open(struct srtcp *s, uint8_t *packet, size_t len);

#endif
