/* --dev and --lan: settings without a file, links without thought. */
#include "server/supervisor/development.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/child.h"
#include "server/supervisor/runtime_directory.h"

void development_find_addresses(struct development_addresses *out) {
  struct ifaddrs *list = NULL;
  out->count = 0;
  if (getifaddrs(&list) != 0) return;
  for (struct ifaddrs *i = list; i && out->count < DEVELOPMENT_ADDRESSES_MAX; i = i->ifa_next) {
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
    const void *address = NULL;
    if (i->ifa_addr->sa_family == AF_INET) {
      address = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
      if (!IN6_IS_ADDR_LINKLOCAL(six)) address = six;
    }
    if (address && inet_ntop(i->ifa_addr->sa_family, address, out->text[out->count], sizeof out->text[0])) out->count++;
  }
  freeifaddrs(list);
}

static int random_hex(char *hex, size_t bytes) {
  unsigned char raw[64];
  if (bytes > sizeof raw || getrandom(raw, bytes, 0) != (ssize_t)bytes) return -1;
  for (size_t i = 0; i < bytes; i++)
    snprintf(hex + 2 * i, 3, "%02x", raw[i]);
  explicit_bzero(raw, sizeof raw);
  return 0;
}

static bool is_ipv6(const char *address) {
  return strchr(address, ':') != NULL;
}

/* Browsers on this machine, and nobody else. Firefox never pairs with a loopback candidate, so the machine's own addresses are
 * announced too; the kernel lets only the loopback interface through to them. */
static void put_local(FILE *to, const struct development_addresses *addresses) {
  fputs("media:\n  address: 0.0.0.0\n  this_machine_only: true\n  announced_addresses: [127.0.0.1", to);
  for (size_t i = 0; i < addresses->count; i++) {
    if (!is_ipv6(addresses->text[i])) fprintf(to, ", \"%s\"", addresses->text[i]);
  }
  fputs("]\nhttp:\n", to);
}

static void put_lan(FILE *to, const struct development_addresses *addresses) {
  bool six = false;
  fputs("media:\n  address: 0.0.0.0\n  announced_addresses: [127.0.0.1", to);
  for (size_t i = 0; i < addresses->count; i++) {
    fprintf(to, ", \"%s\"", addresses->text[i]);
    six = six || is_ipv6(addresses->text[i]);
  }
  fprintf(to, "]\n%s", six ? "  address_ipv6: \"::\"\n" : "");
  fprintf(to, "http:\n  listen: [\"%s:8443\"]\n", six ? "[::]" : "0.0.0.0"); /* [::] takes IPv4, too */
  fprintf(to, "  tls_certificate: /proc/self/fd/%d\n  tls_key: /proc/self/fd/%d\n", CHILD_CERTIFICATE_FD, CHILD_KEY_FD);
}

char *development_settings(const struct development_addresses *addresses, bool lan, char *why, size_t capacity) {
  char secret[97], token[49], path[96], *text = NULL;
  size_t length = 0;
  snprintf(why, capacity, "out of memory or randomness");
  if (random_hex(secret, 48) || random_hex(token, 24)) return NULL;
  if (runtime_directory_name_temporary(path, sizeof path, getenv("XDG_RUNTIME_DIR"))) return NULL;
  FILE *to = open_memstream(&text, &length);
  if (to) {
    fprintf(to, "runtime_directory: %s\ntokens: {secret: \"%s\"}\nadmin: {token: \"%s\"}\n", path, secret, token);
    lan ? put_lan(to, addresses) : put_local(to, addresses);
    fputs("  admin_listen: []\n", to);
    fclose(to);
  }
  explicit_bzero(secret, sizeof secret);
  return text;
}

int development_refuse_public(const struct config *c, char *why, size_t capacity) {
  char host[64];
  const struct config_list *lists[] = {&c->http.listen, &c->http.admin_listen};
  for (size_t l = 0; l < 2; l++) {
    for (size_t i = 0; i < lists[l]->count; i++) {
      if (config_split_address(lists[l]->items[i], host, sizeof host) < 0 || config_address_is_loopback(host)) continue;
      snprintf(why, capacity,
               "--dev hands out tokens to everybody, so it does not listen at %s; for the local network use --lan",
               lists[l]->items[i]);
      return -1;
    }
  }
  return 0;
}

void development_base_url(const struct config *c, char *url, size_t capacity) {
  char host[64] = "localhost";
  int port = c->http.listen.count ? config_split_address(c->http.listen.items[0], host, sizeof host) : 0;
  if (config_address_is_loopback(host) || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
    snprintf(host, sizeof host, "localhost");
  snprintf(url, capacity, "%s://%s%s%s:%d", *c->http.tls_certificate ? "https" : "http", is_ipv6(host) ? "[" : "", host,
           is_ipv6(host) ? "]" : "", port);
}

void development_print_links(const struct config *c, const char *base, FILE *to) {
  static const char *const people[][3] = {{"doctor", "Doctor", "doctor"},
                                          {"patient", "Patient", "patient"},
                                          {"second doctor", "Second%20doctor", "doctor"}};
  for (size_t i = 0; i < sizeof people / sizeof *people; i++)
    fprintf(to, "  %-14s %s/?room=demo&name=%s&role=%s&autojoin=1\n", people[i][0], base, people[i][1], people[i][2]);
  if (*c->admin.token) fprintf(to, "  %-14s %s/admin/#token=%s\n", "administrator", base, c->admin.token);
  fflush(to);
}
