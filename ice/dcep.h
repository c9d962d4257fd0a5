/* ice/dcep.h: messages of the Data Channel Establishment Protocol (RFC 8832 §5): parse and write, nothing else. */
#ifndef ICE_DCEP_H
#define ICE_DCEP_H

#include "ice/sctp_association.h"

/* RFC 8832 §8.1: payload protocol identifier of DCEP; RFC 8831 §8: of messages. */
enum sctp_ppid {
  SCTP_PPID_DCEP = 50,
  SCTP_PPID_STRING = 51,
  SCTP_PPID_BINARY = 53,
  SCTP_PPID_STRING_EMPTY = 56,
  SCTP_PPID_BINARY_EMPTY = 57,
};

enum dcep_message { DCEP_MESSAGE_INVALID = 0, DCEP_MESSAGE_ACK = 0x02, DCEP_MESSAGE_OPEN = 0x03 };

#define DCEP_OPEN_HEADER_BYTES 12
#define DCEP_MAX_OPEN_BYTES    (DCEP_OPEN_HEADER_BYTES + SCTP_MAX_LABEL_BYTES + SCTP_MAX_PROTOCOL_BYTES)

/* What kind of message this is; an ACK is one byte (RFC 8832 §5.2). */
enum dcep_message dcep_message_type(const uint8_t *data, size_t len);

/* Reads an OPEN; label and protocol point into `data`. Returns SCTP_OK, SCTP_BAD_ARGUMENT for a malformed message
 * (lengths, channel type) or SCTP_TOO_LARGE for a label or protocol over our caps. */
int dcep_parse_open(const uint8_t *data, size_t len, struct data_channel_options *options);

/* Writes an OPEN. Returns its length, 0 when label or protocol are over the caps. */
size_t dcep_write_open(const struct data_channel_options *options, uint8_t out[DCEP_MAX_OPEN_BYTES]);

#endif
