/* ice/sctp_names.c: names of results and drop reasons, for logs and metrics. */
#include "ice/sctp_association.h"

const char *sctp_result_name(int status) {
  static const char *const names[] = {"ok",        "bad_argument", "no_memory",     "not_connected", "not_open",
                                      "too_large", "queue_full",   "channel_limit", "library_error"};
  int count = (int)(sizeof names / sizeof names[0]);
  return status <= 0 && status > -count ? names[-status] : "unknown";
}

const char *sctp_drop_name(enum sctp_drop reason) {
  static const char *const names[SCTP_DROP_COUNT] = {
      [SCTP_DROP_PACKET_SIZE] = "packet_size",         [SCTP_DROP_DCEP_MALFORMED] = "dcep_malformed",
      [SCTP_DROP_DCEP_TOO_LONG] = "dcep_too_long",     [SCTP_DROP_DCEP_IN_USE] = "dcep_in_use",
      [SCTP_DROP_DCEP_PARITY] = "dcep_parity",         [SCTP_DROP_DCEP_UNEXPECTED] = "dcep_unexpected",
      [SCTP_DROP_CHANNEL_LIMIT] = "channel_limit",     [SCTP_DROP_UNKNOWN_CHANNEL] = "unknown_channel",
      [SCTP_DROP_UNKNOWN_PPID] = "unknown_ppid",       [SCTP_DROP_MESSAGE_TOO_LARGE] = "message_too_large",
      [SCTP_DROP_MESSAGE_ABORTED] = "message_aborted", [SCTP_DROP_NO_MEMORY] = "no_memory",
  };
  return (unsigned)reason < SCTP_DROP_COUNT ? names[reason] : "unknown";
}
