/* ice/dcep.c: DCEP messages. See dcep.h. */
#include "ice/dcep.h"

#include <string.h>

/* RFC 8832 §5.1: channel types; the highest bit means unordered. */
#define TYPE_RELIABLE  0x00
#define TYPE_REXMIT    0x01
#define TYPE_TIMED     0x02
#define TYPE_UNORDERED 0x80

enum dcep_message dcep_message_type(const uint8_t *data, size_t len) {
  if (len == 1 && data[0] == DCEP_MESSAGE_ACK) return DCEP_MESSAGE_ACK;
  if (len >= DCEP_OPEN_HEADER_BYTES && data[0] == DCEP_MESSAGE_OPEN) return DCEP_MESSAGE_OPEN;
  return DCEP_MESSAGE_INVALID;
}

int dcep_parse_open(const uint8_t *data, size_t len, struct data_channel_options *options) {
  if (dcep_message_type(data, len) != DCEP_MESSAGE_OPEN) return SCTP_BAD_ARGUMENT;
  size_t label_len = (size_t)data[8] << 8 | data[9];
  size_t protocol_len = (size_t)data[10] << 8 | data[11];
  uint8_t type = data[1] & (uint8_t)~TYPE_UNORDERED;
  if (type > TYPE_TIMED || len != DCEP_OPEN_HEADER_BYTES + label_len + protocol_len) return SCTP_BAD_ARGUMENT;
  if (label_len > SCTP_MAX_LABEL_BYTES || protocol_len > SCTP_MAX_PROTOCOL_BYTES) return SCTP_TOO_LARGE;

  memset(options, 0, sizeof *options);
  options->unordered = (data[1] & TYPE_UNORDERED) != 0;
  options->reliability = type == TYPE_REXMIT  ? DATA_CHANNEL_MAX_RETRANSMITS
                         : type == TYPE_TIMED ? DATA_CHANNEL_MAX_LIFETIME
                                              : DATA_CHANNEL_RELIABLE;
  options->priority = (uint16_t)(data[2] << 8 | data[3]);
  /* "For reliable Data Channels, this field MUST be set to 0 on the sending side and MUST be ignored on the receiving
   * side." */
  if (type != TYPE_RELIABLE)
    options->reliability_value =
        (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 | (uint32_t)data[7];
  options->label = (const char *)data + DCEP_OPEN_HEADER_BYTES;
  options->label_len = label_len;
  options->protocol = options->label + label_len;
  options->protocol_len = protocol_len;
  return SCTP_OK;
}

size_t dcep_write_open(const struct data_channel_options *options, uint8_t out[DCEP_MAX_OPEN_BYTES]) {
  static const uint8_t types[] = {
      [DATA_CHANNEL_RELIABLE] = TYPE_RELIABLE,
      [DATA_CHANNEL_MAX_RETRANSMITS] = TYPE_REXMIT,
      [DATA_CHANNEL_MAX_LIFETIME] = TYPE_TIMED,
  };
  if (options->label_len > SCTP_MAX_LABEL_BYTES || options->protocol_len > SCTP_MAX_PROTOCOL_BYTES ||
      (size_t)options->reliability >= sizeof types)
    return 0;
  uint32_t value = options->reliability == DATA_CHANNEL_RELIABLE ? 0 : options->reliability_value;
  out[0] = DCEP_MESSAGE_OPEN;
  out[1] = (uint8_t)(types[options->reliability] | (options->unordered ? TYPE_UNORDERED : 0));
  out[2] = (uint8_t)(options->priority >> 8);
  out[3] = (uint8_t)options->priority;
  for (int i = 0; i < 4; i++)
    out[4 + i] = (uint8_t)(value >> (24 - 8 * i));
  out[8] = 0;
  out[9] = (uint8_t)options->label_len;
  out[10] = 0;
  out[11] = (uint8_t)options->protocol_len;
  if (options->label_len) memcpy(out + DCEP_OPEN_HEADER_BYTES, options->label, options->label_len);
  if (options->protocol_len)
    memcpy(out + DCEP_OPEN_HEADER_BYTES + options->label_len, options->protocol, options->protocol_len);
  return DCEP_OPEN_HEADER_BYTES + options->label_len + options->protocol_len;
}
