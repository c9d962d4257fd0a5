/* rtp/packet_history.h: the last packets of one incoming stream, for retransmission to any number of receivers.
 *
 * One ring of bytes per stream, shared by all its subscribers; a packet is found by its extended sequence number in constant
 * time. New packets overwrite the oldest bytes; there is nothing to evict and nothing is allocated after create. A packet
 * is stored once; its picture numbers may be those of any receiver, for each retransmission is rewritten (rtp/outgoing_stream.h).
 */
#ifndef RTP_PACKET_HISTORY_H
#define RTP_PACKET_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/media_packet.h"

#define PACKET_HISTORY_MAX_PACKETS 4096
#define PACKET_HISTORY_MAX_BYTES   (4U << 20)

struct packet_history;

/* `packets` (a power of two, up to the cap) limits the span of sequence numbers, `bytes` the memory for payloads, `max_age_us`
 * the time; whichever comes first. One allocation of about packets × 150 + bytes, of which only what must be kept is used.
 * Errors: -1 for out of memory or sizes out of range (bytes below four of the largest packets). */
int packet_history_create(struct packet_history **out, size_t packets, size_t bytes, int64_t max_age_us);
void packet_history_free(struct packet_history *h); /* accepts NULL */

/* How long packets must be kept: while nothing is known of the receivers' round trips, at least, at most. Besides, twice the age of
 * the oldest packet that find() was asked for in the last three to six seconds, the most when that was gone already. */
#define PACKET_HISTORY_KEEP_US       300000
#define PACKET_HISTORY_KEEP_LEAST_US 100000
#define PACKET_HISTORY_KEEP_MOST_US  600000

/* `us` is brought between the least and the most. Memory that is not needed for it goes back as packets come. */
void packet_history_keep(struct packet_history *h, int64_t us);

/* What came last will be asked for after so long: as if that had been asked for now. */
void packet_history_expect(struct packet_history *h, int64_t age_us);

/* Copies the packet in. Ignored: padding-only, oversized. A packet stored under the same number is replaced. */
void packet_history_put(struct packet_history *h, const struct rtp_media_packet *m);

/* The packet with this extended sequence number; NULL when it never came, was overwritten or is too old. The result is
 * valid until the next put. `now_us` < 0 skips the age check, and does not count as asking. */
const struct rtp_media_packet *packet_history_find(struct packet_history *h, uint32_t seq, int64_t now_us);

/* Forgets everything and gives the memory back until there is something to keep again (the source is silent): *h is another one then.
 * Without memory nothing changes. */
void packet_history_rest(struct packet_history **h);

/* Forgets everything (the source restarted). */
void packet_history_clear(struct packet_history *h);

#endif
