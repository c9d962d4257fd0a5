/* signaling/sdp_answer.h: what the answer's writer, policy and JSON share. Internal to signaling's SDP. */
#ifndef SIGNALING_SDP_ANSWER_H
#define SIGNALING_SDP_ANSWER_H

#include "signaling/sdp.h"
#include "signaling/sdp_text.h"

/* As sdp_answer_new(), with `string_bytes` behind it for the caller to fill through *strings. */
struct sdp_answer *sdp_answer_new_with(size_t media_count, size_t string_bytes, struct sdp_arena *strings);

/* The offered codec with this payload type, or the one this RTX payload type repairs (*rtx then); NULL if neither. */
const struct sdp_codec *sdp_offer_codec(const struct sdp_media *media, uint8_t pt, bool *rtx);

/* The other side's view: sendonly becomes recvonly. */
enum sdp_direction sdp_direction_mirror(enum sdp_direction direction);

/* SDP_OK, or SDP_ERROR_ANSWER and the section's mid (NULL: the transport values) as sdp_answer_write() says. */
int sdp_answer_check(const struct sdp_answer *answer, const struct sdp_offer *offer, const char **fault_mid);

#endif
