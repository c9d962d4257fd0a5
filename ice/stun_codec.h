/* ice/stun_codec.h (internal): the few things we ask of libnice's STUN library, hidden behind bytes.
 *
 * One StunAgent serves all peers of a worker: it holds no state between calls (our own requests are forgotten by it as
 * soon as they are written; the ICE agent keeps the transaction id).
 * Every datagram given here has passed stun_view_parse().
 */
#ifndef ICE_STUN_CODEC_H
#define ICE_STUN_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "ice/ice_agent.h"
#include "ice/stun_view.h"

/* Checks FINGERPRINT and MESSAGE-INTEGRITY of a Binding request under our `pwd` and writes the answer, with
 * XOR-MAPPED-ADDRESS = `from`.
 * ICE_DROP_NONE: authenticated, success response written. ICE_DROP_STUN_REFUSED: authenticated, error 487 or 420 written.
 * _FINGERPRINT, _INTEGRITY, _MALFORMED: nothing written. */
enum ice_drop_reason stun_codec_answer(struct ice_stun_codec *codec, const uint8_t *data, size_t len, const char *pwd,
                                       const struct ice_address *from, uint8_t *reply, size_t cap, size_t *reply_len);

/* Writes a Binding request of ours: controlled role, no USE-CANDIDATE. Returns its length, 0 when it does not fit. */
size_t stun_codec_write_check(struct ice_stun_codec *codec, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                              const char *username, const char *pwd, uint64_t tie_breaker, uint8_t *out, size_t cap);

/* Is this response, whose transaction id is ours, authentic under the peer's `pwd`?
 * ICE_DROP_NONE, or _FINGERPRINT, _INTEGRITY, _MALFORMED. */
enum ice_drop_reason stun_codec_verify_response(struct ice_stun_codec *codec, const uint8_t *data, size_t len,
                                                const char *pwd);

#endif
