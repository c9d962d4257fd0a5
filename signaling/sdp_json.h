/* signaling/sdp_json.h: offers and answers as the JSON that gateway and worker exchange (signaling/PROTOCOL.md).
 *
 * offer:  {"ice":{"ufrag","pwd"}, "dtls":{"setup","fingerprints":[{"algorithm","value"}]}, "extmapAllowMixed",
 *          "sctp"?:{"mid","port","maxMessageSize"}, "media":[{"mid","kind","direction","rejected"?,
 *          "codecs":[{"pt","name","clock","channels"?,"fmtp"?,"feedback":[…],"rtxPt"?}], "extensions":[{"id","uri"}],
 *          "rids":[…], "ssrcs":[{"ssrc","rtxSsrc"?}], "cname"?, "msid"?}]}
 * answer: {"ice":{"ufrag","pwd"}, "fingerprint":{"algorithm","value"}, "setup":"passive",
 *          "candidates":[{"address","port","priority","foundation"}], "sctp"?:{…}, "media":[{"mid","accepted","direction",
 *          "pts":[…], "extensions":[…], "rids"?, "ssrc"?:{"ssrc","rtxSsrc"?}, "cname"?}]}
 *
 * Every offered section is in "media", in order, the data channel section (kind "application") too. "rejected":true stands for
 * any enum sdp_unusable and comes back as SDP_UNUSABLE_STOPPED; proto, fmt and sctp.legacy do not travel: the answer is
 * written by the gateway against the offer it parsed.
 *
 * Decoding is strict: an unknown key, a wrong type, a number out of range, a list over its cap or a character no SDP line can
 * hold is an error. Strings end up in the decoded struct's one allocation, so the json_t may go.
 */
#ifndef SIGNALING_SDP_JSON_H
#define SIGNALING_SDP_JSON_H

#include <jansson.h>

#include "signaling/sdp.h"

/* Where decoding failed: the key ("media", "pt"); "" at the top. Static storage. */
struct sdp_json_fault {
  const char *key;
};

/* A new reference, or NULL without memory (or, for an answer, when its required strings are NULL). */
json_t *sdp_offer_to_json(const struct sdp_offer *offer);
json_t *sdp_answer_to_json(const struct sdp_answer *answer);

/* Return SDP_OK and a struct to free, SDP_ERROR_MEMORY, or SDP_ERROR_ATTRIBUTE and *fault (may be NULL). `json` is borrowed. */
int sdp_offer_from_json(struct sdp_offer **out, const json_t *json, struct sdp_json_fault *fault);
int sdp_answer_from_json(struct sdp_answer **out, const json_t *json, struct sdp_json_fault *fault);

#endif
