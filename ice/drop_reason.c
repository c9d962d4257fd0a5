/* ice/drop_reason.c: the names of the drop reasons. */
#include "ice/drop_reason.h"

#include <stddef.h>

static const char *const names[ICE_DROP_REASONS] = {
    [ICE_DROP_NONE] = "none",
    [ICE_DROP_UNKNOWN_PROTOCOL] = "unknown_protocol",
    [ICE_DROP_TOO_LARGE] = "too_large",
    [ICE_DROP_UNVALIDATED] = "unvalidated",
    [ICE_DROP_CLOSED] = "closed",
    [ICE_DROP_STUN_MALFORMED] = "stun_malformed",
    [ICE_DROP_STUN_FINGERPRINT] = "stun_fingerprint",
    [ICE_DROP_STUN_METHOD] = "stun_method",
    [ICE_DROP_STUN_USERNAME] = "stun_username",
    [ICE_DROP_STUN_INTEGRITY] = "stun_integrity",
    [ICE_DROP_STUN_UNMATCHED] = "stun_unmatched",
    [ICE_DROP_STUN_INDICATION] = "stun_indication",
    [ICE_DROP_STUN_REFUSED] = "stun_refused",
    [ICE_DROP_DTLS_MALFORMED] = "dtls_malformed",
    [ICE_DROP_DTLS_PLAIN_ALERT] = "dtls_plain_alert",
    [ICE_DROP_DTLS_LIMIT] = "dtls_limit",
    [ICE_DROP_DTLS_ERROR] = "dtls_error",
    [ICE_DROP_SRTP_NO_KEYS] = "srtp_no_keys",
    [ICE_DROP_SRTP_AUTH] = "srtp_auth",
    [ICE_DROP_SRTP_REPLAY] = "srtp_replay",
    [ICE_DROP_SRTP_MALFORMED] = "srtp_malformed",
    [ICE_DROP_SRTP_LIMIT] = "srtp_limit",
    [ICE_DROP_SCTP_REFUSED] = "sctp_refused",
    [ICE_DROP_OUT_UNPROVEN] = "out_unproven",
    [ICE_DROP_OUT_NO_ADDRESS] = "out_no_address",
};

const char *ice_drop_reason_name(enum ice_drop_reason reason) {
  const unsigned index = (unsigned)reason;
  return index < ICE_DROP_REASONS && names[index] != NULL ? names[index] : "invalid";
}
