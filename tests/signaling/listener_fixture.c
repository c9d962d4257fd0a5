/* tests/signaling/listener_fixture.c: see the header. */
#include "tests/signaling/listener_fixture.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

struct fixture fixture;

static void on_open(struct listener_connection *c, const char *endpoint, const char *remote, const char *origin,
                    void *arg) {
  (void)endpoint;
  (void)origin;
  assert_ptr_equal(arg, &fixture);
  fixture.connection = c;
  (void)snprintf(fixture.remote, sizeof fixture.remote, "%s", remote);
  fixture.opened++;
}

static void on_message(struct listener_connection *c, const char *text, size_t len, void *arg) {
  (void)arg;
  (void)listener_send(c, text, len);
}

static void on_close(struct listener_connection *c, uint16_t code, void *arg) {
  (void)arg;
  (void)code;
  if (c == fixture.connection) fixture.connection = NULL;
  fixture.closed++;
}

static void on_request(struct listener_request *request, const struct listener_request_view *view, void *arg) {
  static const struct listener_response hello = {200, "text/plain", "hello", 5, NULL, 0};
  (void)arg;
  fixture.requests++;
  (void)snprintf(fixture.remote, sizeof fixture.remote, "%s", view->remote);
  if (fixture.answer)
    fixture.answer(request, view);
  else
    listener_respond(request, &hello);
}

static void on_log(int level, const char *line, void *arg) {
  (void)level;
  (void)arg;
  (void)snprintf(fixture.log, sizeof fixture.log, "%s", line);
}

static void on_gone(void *arg) {
  (void)arg;
  fixture.gone++;
}

void fixture_turn(void) {
  for (int i = 0; i < 20; i++)
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

static int end_loop(void) {
  if (uv_run(&fixture.loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&fixture.loop) == 0) return 0;
  print_error("a handle is left\n");
  return -1;
}

int fixture_start(const struct listener_endpoint *endpoints, size_t count, const struct listener_config *numbers) {
  static const struct listener_events events = {on_open, on_message, on_close, on_request, on_log};
  struct listener_config config = numbers ? *numbers : (struct listener_config){0};
  memset(&fixture, 0, sizeof fixture);
  assert_int_equal(uv_loop_init(&fixture.loop), 0);
  config.endpoints = endpoints;
  config.endpoint_count = count;
  int error =
      listener_create(&fixture.listener, &fixture.loop, &config, &events, &fixture, fixture.why, sizeof fixture.why);
  if (error) assert_int_equal(end_loop(), 0);
  return error;
}

int fixture_stop(void **state) {
  (void)state;
  if (!fixture.listener) return 0;
  listener_close(fixture.listener, on_gone, NULL);
  fixture.listener = NULL;
  if (!loop_run_until(&fixture.loop, &fixture.gone, 1)) return -1;
  return end_loop();
}

void fixture_dial(struct loop_client *c, size_t endpoint) {
  loop_client_open(c, &fixture.loop, listener_port(fixture.listener, endpoint));
}

int fixture_ask(struct loop_client *c, const char *request, const char **body, size_t *length) {
  size_t end;
  fixture_dial(c, 0);
  loop_client_text(c, request);
  return loop_client_response(c, strncmp(request, "HEAD", 4) == 0, body, length, &end);
}

static EVP_PKEY *key_of(const struct fixture_certificate *c) {
  BIO *pem = BIO_new_mem_buf(c->key, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);
  BIO_free(pem);
  return key;
}

static X509 *x509_of(const struct fixture_certificate *c) {
  BIO *pem = BIO_new_mem_buf(c->certificate, -1);
  X509 *x = PEM_read_bio_X509(pem, NULL, NULL, NULL);
  BIO_free(pem);
  return x;
}

void fixture_certificate(struct fixture_certificate *out, const char *name, const struct fixture_certificate *issuer) {
  EVP_PKEY *pair = EVP_EC_gen("P-256"), *signer = issuer ? key_of(issuer) : NULL;
  X509 *x = X509_new(), *above = issuer ? x509_of(issuer) : NULL;
  assert_true(pair && x);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, pair);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(above ? above : x));
  assert_true(X509_sign(x, signer ? signer : pair, EVP_sha256()) > 0);
  BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(a, x);
  PEM_write_bio_PrivateKey(b, pair, NULL, NULL, 0, NULL, NULL);
  int n = BIO_read(a, out->certificate, sizeof out->certificate - 1), m = BIO_read(b, out->key, sizeof out->key - 1);
  assert_true(n > 0 && m > 0);
  out->certificate[n] = out->key[m] = '\0';
  BIO_free(a);
  BIO_free(b);
  X509_free(x);
  X509_free(above);
  EVP_PKEY_free(pair);
  EVP_PKEY_free(signer);
}
