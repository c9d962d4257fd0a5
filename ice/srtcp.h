/* ice/srtcp.h: SRTCP of one session on the same cryptographic back-ends as SRTP.
 *
 * The index counts all packets of the session, whatever their SSRC: unique for each key, and no state per SSRC that sends. What
 * comes in is watched per SSRC, of which there are at most SRTP_MAX_RECEIVERS, and only authentic packets make state.
 * Status values are enum srtp_status. Sources: RFC 3711 §3.4, §4.1.1, §4.2; RFC 7714 §9.
 * Memory: one allocation and two keyed states; nothing per packet.
 */
#ifndef ICE_SRTCP_H
#define ICE_SRTCP_H

#include "ice/srtp_backend.h"
#include "ice/srtp_keys.h"

struct srtcp;

/* `library` is what ops->library_create() gave; both must outlive it. */
int srtcp_create(struct srtcp **out, const struct srtp_backend_ops *ops, void *library,
                 const struct srtp_profile_info *info, const struct srtp_master *sending,
                 const struct srtp_master *receiving);
void srtcp_free(struct srtcp *s); /* accepts NULL */

/* As srtp_session_seal_rtcp() and srtp_session_open_rtcp(). */
int srtcp_seal(struct srtcp *s, const uint8_t *packet, size_t len, uint8_t *out, size_t cap);
int srtcp_open(struct srtcp *s, uint8_t *packet, size_t len);

#endif
