/* Names of the drop reasons: see rtp/drop_reason.h. */
#include "rtp/drop_reason.h"

#include <stddef.h>

static const char *const names[RTP_DROP_COUNT] = {
    [RTP_DROP_NONE] = "none",
    [RTP_DROP_UNKNOWN_PAYLOAD_TYPE] = "unknown_payload_type",
    [RTP_DROP_BAD_PAYLOAD] = "bad_payload",
    [RTP_DROP_OVERSIZED] = "oversized",
    [RTP_DROP_DUPLICATE] = "duplicate",
    [RTP_DROP_TOO_OLD] = "too_old",
    [RTP_DROP_SEQUENCE_JUMP] = "sequence_jump",
    [RTP_DROP_RTX_EMPTY] = "rtx_empty",
    [RTP_DROP_RTX_UNKNOWN] = "rtx_unknown",
    [RTP_DROP_PADDING_ONLY] = "padding_only",
    [RTP_DROP_NOT_SELECTED] = "not_selected",
    [RTP_DROP_PAUSED] = "paused",
    [RTP_DROP_WAITING_KEYFRAME] = "waiting_keyframe",
    [RTP_DROP_SETTLING] = "settling",
    [RTP_DROP_BEFORE_SWITCH] = "before_switch",
    [RTP_DROP_TEMPORAL_LAYER] = "temporal_layer",
    [RTP_DROP_NO_PAYLOAD_TYPE] = "no_payload_type",
    [RTP_DROP_NO_RTX] = "no_rtx",
    [RTP_DROP_NOT_SENT] = "not_sent",
    [RTP_DROP_HISTORY_MISS] = "history_miss",
    [RTP_DROP_RTX_TOO_SOON] = "rtx_too_soon",
    [RTP_DROP_RTX_BUDGET] = "rtx_budget",
    [RTP_DROP_NO_SPACE] = "no_space",
};

const char *rtp_drop_reason_name(enum rtp_drop_reason reason) {
  if ((unsigned)reason >= RTP_DROP_COUNT || !names[reason]) return "unknown";
  return names[reason];
}
