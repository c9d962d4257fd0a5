/* tests/fuzz/signaling_message_fuzz.c: any text as a client's message. What is accepted must hold what message.h promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/message.h"
#include "signaling/rate_limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct signaling_request request;
  struct signaling_refusal why;
  int error = signaling_request_decode((const char *)data, size, &request, &why);
  if (error) {
    if (why.id < 0 || why.id > SIGNALING_ID_MAX || !why.message[0] || (int)why.code != error) abort();
    free(signaling_error_encode(why.id, why.code, why.message));
    return 0;
  }
  if (request.id < 1 || request.id > SIGNALING_ID_MAX || (unsigned)request.type >= SIGNALING_TYPE_COUNT) abort();
  if (!json_is_object(request.fields) || rate_limit_cost(request.type, size) == 0) abort();
  /* What passed once, passes again after a round trip, and loses nothing. */
  json_t *again = json_deep_copy(request.fields);
  json_object_set_new(again, "id", json_integer(request.id));
  json_object_set_new(again, "type", json_string(signaling_type_name(request.type)));
  struct signaling_request second;
  if (signaling_request_from_json(again, &second, &why) || !json_equal(second.fields, request.fields)) abort();
  json_decref(again);
  signaling_request_clear(&second);
  char *text = signaling_reply_encode(request.id, request.fields);
  if (!text) abort();
  free(text);
  return 0;
}
