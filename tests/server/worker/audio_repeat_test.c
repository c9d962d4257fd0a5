/* tests/server/worker/audio_repeat_test.c: what goes again with a slot's next packet: the same bytes, as often as was asked for. */
#include "server/worker/audio_repeat.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/worker/egress_batch.h"
#include "server/worker/engine.h"

struct stage {
  int out, in;
  struct engine *engine;
  struct peer peer;
  struct peer_run run;
  struct slot slot;
};

static void open_stage(struct stage *s) {
  memset(s, 0, sizeof *s);
  s->out = socket(AF_INET, SOCK_DGRAM, 0);
  s->in = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(s->in, (struct sockaddr *)&address, sizeof address), 0);
  s->peer.destination.address_len = sizeof s->peer.destination.address;
  getsockname(s->in, (struct sockaddr *)&s->peer.destination.address, &s->peer.destination.address_len);
  s->engine = calloc(1, sizeof *s->engine);
  assert_int_equal(peer_transport_context_create(&s->engine->transports, 1700000000), PEER_OK);
  s->peer.engine = s->engine;
  s->run.peer = &s->peer;
  assert_int_equal(egress_batch_create(&s->run.egress, s->out, 0), 0);
}

static void close_stage(struct stage *s) {
  egress_batch_free(s->run.egress);
  peer_transport_context_free(s->engine->transports);
  free(s->engine);
  free(s->slot.repeat);
  close(s->out);
  close(s->in);
}

/* A packet of `len` times `mark` has been sealed into the batch and sent. Returns the bytes of what went again. */
static size_t sent(struct stage *s, uint8_t mark, size_t len) {
  uint8_t *place = egress_batch_reserve(s->run.egress);
  memset(place, mark, len);
  egress_batch_commit(s->run.egress, &s->peer.destination, len);
  return audio_repeat_sent(&s->run, &s->slot, place, len);
}

/* What has arrived since the last look: the first byte of each packet, in order. */
static void arrived(struct stage *s, const char *marks) {
  egress_batch_flush(s->run.egress);
  uint8_t packet[2048];
  for (const char *m = marks; *m; m++) {
    const ssize_t len = recv(s->in, packet, sizeof packet, MSG_DONTWAIT); /* loopback delivers within the send */
    assert_true(len > 0);
    for (ssize_t i = 0; i < len; i++)
      assert_int_equal(packet[i], *m);
  }
  assert_int_equal(recv(s->in, packet, sizeof packet, MSG_DONTWAIT), -1);
}

static void packets_go_again_with_the_next(void **state) {
  (void)state;
  struct stage s;
  open_stage(&s);
  audio_repeat_set(&s.slot, 1);
  assert_int_equal(sent(&s, 'a', 100), 0);
  arrived(&s, "a");
  assert_int_equal(sent(&s, 'b', 90), 100);
  arrived(&s, "ba");
  audio_repeat_set(&s.slot, 2);
  assert_int_equal(sent(&s, 'c', 80), 0); /* another number begins anew */
  assert_int_equal(sent(&s, 'd', 70), 80);
  assert_int_equal(sent(&s, 'e', 60), 70 + 80);
  arrived(&s, "cdcedc");
  assert_int_equal(s.run.packets, 4); /* the copies; who sealed counts the others */
  audio_repeat_set(&s.slot, 0);
  assert_int_equal(sent(&s, 'f', 50), 0);
  arrived(&s, "f");
  close_stage(&s);
}

/* What is asked for is looked at every 200 ms; more than can be kept is no other number each time. */
static void asking_for_too_much_again_changes_nothing(void **state) {
  (void)state;
  struct stage s;
  open_stage(&s);
  audio_repeat_set(&s.slot, AUDIO_REPEAT_MOST + 1);
  assert_int_equal(s.slot.repeats, AUDIO_REPEAT_MOST);
  assert_int_equal(sent(&s, 'a', 100), 0);
  audio_repeat_set(&s.slot, AUDIO_REPEAT_MOST + 1);
  assert_int_equal(sent(&s, 'b', 90), 100);
  arrived(&s, "aba");
  close_stage(&s);
}

static void long_packets_do_not_go_again(void **state) {
  (void)state;
  struct stage s;
  open_stage(&s);
  audio_repeat_set(&s.slot, 2);
  assert_int_equal(sent(&s, 'a', AUDIO_REPEAT_BYTES), 0);
  assert_int_equal(sent(&s, 'b', AUDIO_REPEAT_BYTES + 1), AUDIO_REPEAT_BYTES);
  assert_int_equal(sent(&s, 'c', 10), AUDIO_REPEAT_BYTES);
  assert_int_equal(sent(&s, 'd', 10), 10);
  arrived(&s, "abacadc");
  close_stage(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_go_again_with_the_next),
      cmocka_unit_test(asking_for_too_much_again_changes_nothing),
      cmocka_unit_test(long_packets_do_not_go_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
