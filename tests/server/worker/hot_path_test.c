/* tests/server/worker/hot_path_test.c: forwarding a packet allocates nothing and makes no system call of its own. */
#include <stdio.h>

#include "tests/server/worker/engine_harness.h"

#define PACKETS   1000
#define RECEIVERS 3
#define BATCH     50

static volatile bool counting; /* volatile: the compiler believes that malloc reads nothing of ours */
static volatile size_t allocations;

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
                                              void (*free_hook)(const volatile void *));
static void on_malloc(const volatile void *at, size_t bytes) {
  (void)at, (void)bytes;
  if (counting) allocations++;
}
static void on_free(const volatile void *at) {
  (void)at;
}
static void watch(void) {
  assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
}
#else
/* The program's symbols go before the C library's, for every library of the process. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void *malloc(size_t bytes) {
  if (counting) allocations++;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  if (counting) allocations++;
  return __libc_calloc(count, bytes);
}
void *realloc(void *at, size_t bytes) {
  if (counting) allocations++;
  return __libc_realloc(at, bytes);
}
static void watch(void) {}
#endif

/* `governed`: the receivers report, and their links' estimates and pacers are asked about each packet. */
static void forward_all(bool video, bool governed) {
  struct harness *h = governed ? harness_new_governed(100000000) : harness_new();
  struct browser *a = harness_connect(h, "doctor"), *r[RECEIVERS];
  for (size_t i = 0; i < RECEIVERS; i++)
    r[i] = harness_connect(h, "patient");
  for (size_t i = 0; i < RECEIVERS && governed; i++)
    browser_link(r[i], NO_LIMIT_BPS, SECOND, MILLISECOND);
  browser_publish(a, video ? "1" : "0", video ? "camera" : "microphone");
  struct source s = video ? source_video(a, "1", "f", 1280, 720) : source_audio(a, "0");
  s.transport_seq = 1;
  s.level = 30;
  source_send(&s, true); /* what is made once is made now */
  if (governed) harness_advance(h, 100 * MILLISECOND);
  for (size_t i = 0; i < RECEIVERS; i++) {
    assert_int_equal(browser_peer(r[i])->link.governed, governed);
    assert_int_equal(downlink_estimator(browser_peer(r[i])->link.downlink)->has_feedback, governed);
  }
  struct datagram *datagrams = calloc(PACKETS, sizeof *datagrams);
  assert_non_null(datagrams);
  for (size_t i = 0; i < PACKETS; i++) {
    source_seal(&s, video && i % 100 == 0, &datagrams[i]);
  }
  harness_forget(h);
  const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(h->socket));
  const uint64_t calls = egress->system_calls, out = h->engine->counters.rtp_out;
  counting = true;
  for (size_t i = 0; i < PACKETS; i++) {
    h->now_us += MILLISECOND;
    engine_receive(h->engine, &a->address.any, ice_address_length(&a->address), datagrams[i].data, datagrams[i].len,
                   h->now_us);
    if (i % BATCH < BATCH - 1) continue;
    counting = false; /* reports and feedback are not per packet; the room may be told of a size */
    engine_service_touched(h->engine, h->now_us);
    counting = true;
    engine_flush(h->engine);
  }
  counting = false;
  assert_int_equal(allocations, 0);
  assert_int_equal(h->engine->counters.rtp_out - out, PACKETS * RECEIVERS);
  /* A batch is one sendmmsg; when its runs fill a slab, two. */
  assert_in_range(egress->system_calls - calls, PACKETS / BATCH, 2 * PACKETS / BATCH);
  harness_pump(h);
  for (size_t i = 0; i < RECEIVERS; i++)
    assert_int_equal(r[i]->rtp_count, PACKETS);
  free(datagrams);
  harness_free(h);
}

static void the_counter_counts(void **state) {
  (void)state;
  counting = true;
  void *volatile some = malloc(100);
  counting = false;
  free(some);
  assert_int_equal(allocations, 1);
  allocations = 0;
}

static void video_allocates_nothing(void **state) {
  (void)state;
  forward_all(true, false);
}

static void estimates_and_pacers_allocate_nothing(void **state) {
  (void)state;
  forward_all(true, true);
  forward_all(false, true);
}

static void audio_allocates_nothing(void **state) {
  (void)state;
  forward_all(false, false);
}

int main(void) {
  watch();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_counter_counts),
      cmocka_unit_test(video_allocates_nothing),
      cmocka_unit_test(audio_allocates_nothing),
      cmocka_unit_test(estimates_and_pacers_allocate_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
