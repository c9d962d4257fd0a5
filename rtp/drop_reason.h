/* rtp/drop_reason.h: why a packet of a stream did not go further. One list for the whole folder, so that a worker counts
 * drops in one table: counts[reason]++. (Bytes that are no valid RTP at all are refused earlier: rtp/error.h.)
 */
#ifndef RTP_DROP_REASON_H
#define RTP_DROP_REASON_H

enum rtp_drop_reason {
  RTP_DROP_NONE = 0, /* not dropped: go on with it */
  /* incoming stream */
  RTP_DROP_UNKNOWN_PAYLOAD_TYPE, /* not negotiated for this stream                                       */
  RTP_DROP_BAD_PAYLOAD,          /* the codec's payload descriptor is malformed                          */
  RTP_DROP_OVERSIZED,            /* longer than RTP_MEDIA_MAX_PAYLOAD                                    */
  RTP_DROP_DUPLICATE,            /* this sequence number has been here                                   */
  RTP_DROP_TOO_OLD,              /* older than what the history or the sequence map remembers            */
  RTP_DROP_SEQUENCE_JUMP,        /* one packet far away; the next one decides whether the source restarted */
  RTP_DROP_RTX_EMPTY,            /* RTX without payload: a bandwidth probe                               */
  RTP_DROP_RTX_UNKNOWN,          /* RTX whose payload type belongs to no media payload type              */
  /* outgoing stream */
  RTP_DROP_PADDING_ONLY,     /* no media in it; its sequence number is closed up                          */
  RTP_DROP_NOT_SELECTED,     /* neither the slot's current nor its wanted source                          */
  RTP_DROP_PAUSED,           /* nobody looks at the slot                                                  */
  RTP_DROP_WAITING_KEYFRAME, /* wanted source, but its key frame has not begun                           */
  RTP_DROP_SETTLING,         /* sound that begins again, in a burst of what piled up: the late head of it */
  RTP_DROP_BEFORE_SWITCH,    /* late packet from before the slot switched to this source                  */
  RTP_DROP_TEMPORAL_LAYER,   /* above the slot's temporal layer                                           */
  RTP_DROP_NO_PAYLOAD_TYPE,  /* the receiver did not negotiate this codec                                 */
  /* retransmission */
  RTP_DROP_NO_RTX,       /* the receiver did not negotiate RTX; resending the same packet is forbidden */
  RTP_DROP_NOT_SENT,     /* asked for a sequence number that was never sent to this receiver           */
  RTP_DROP_HISTORY_MISS, /* sent once, but no longer (or, source gone, not at all) in the history      */
  RTP_DROP_RTX_TOO_SOON, /* resent less than one round trip ago                                        */
  RTP_DROP_RTX_BUDGET,   /* retransmissions reached half of the media rate                             */
  RTP_DROP_NO_SPACE,     /* the caller's buffer is too small                                           */
  RTP_DROP_COUNT
};

/* A short lower-case name for metrics ("temporal_layer"); "unknown" out of range. Static storage. */
const char *rtp_drop_reason_name(enum rtp_drop_reason reason);

#endif
