/* The last step of loading: secrets from files, and the checks that need more than one setting. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/settings.h"

#define SECRET_MAX_BYTES 4096

int config_split_address(const char *text, char *host, size_t capacity) {
  const char *colon = strrchr(text, ':');
  char *end = NULL;
  if (!colon || colon == text) return CONFIG_ERR_VALUE;
  long port = strtol(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end || port < 0 || port > 65535) return CONFIG_ERR_VALUE;
  size_t length = (size_t)(colon - text);
  bool bracketed = *text == '[' && colon[-1] == ']';
  if (bracketed) {
    text++;
    length -= 2;
  } else if (memchr(text, ':', length)) {
    return CONFIG_ERR_VALUE; /* an IPv6 address needs its brackets */
  }
  if (length == 0 || length >= capacity) return CONFIG_ERR_VALUE;
  memcpy(host, text, length);
  host[length] = '\0';
  return (int)port;
}

static bool is_ipv4(const char *text) {
  struct in_addr address;
  return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_ipv6(const char *text) {
  struct in6_addr address;
  return inet_pton(AF_INET6, text, &address) == 1;
}

bool config_address_is_loopback(const char *host) {
  struct in6_addr six;
  if (strcmp(host, "localhost") == 0) return true;
  if (is_ipv4(host)) return strncmp(host, "127.", 4) == 0;
  return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

/* Opens without blocking on a FIFO, and judges the file that was opened rather than the name. */
static int read_secret(const char *path, char *secret, size_t capacity, char *why, size_t why_capacity) {
  struct stat about;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const char *wrong = NULL;
  if (fd < 0)
    wrong = "cannot be opened";
  else if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
    wrong = "is no regular file";
  else if (about.st_mode & S_IRWXO)
    wrong = "can be read or written by everybody: chmod o-rwx";
  else if (about.st_size >= (off_t)capacity)
    wrong = "is too long";
  ssize_t length = wrong ? 0 : read(fd, secret, capacity - 1);
  if (!wrong && length <= 0) wrong = "is empty";
  if (fd >= 0) close(fd);
  if (wrong) {
    snprintf(why, why_capacity, "%.512s: %s", path, wrong);
    return CONFIG_ERR_SECRET;
  }
  secret[length] = '\0';
  if (secret[length - 1] == '\n') secret[length - 1] = '\0';
  return CONFIG_OK;
}

/* `file` is a `*_file` setting; the setting before it in the table is its twin. */
static int take_secret(struct config *c, const struct setting *file, char message[CONFIG_MESSAGE_BYTES]) {
  const struct setting *twin = file - 1;
  const char *path = *(char **)setting_at(c, file);
  const char *given = *(char **)setting_at(c, twin);
  char name[96], why[640], secret[SECRET_MAX_BYTES];
  if (!*path) return CONFIG_OK;
  setting_name(file, name, sizeof name);
  if (*given) {
    if (setting_layer(c, twin) > setting_layer(c, file)) return CONFIG_OK;
    if (setting_layer(c, twin) == setting_layer(c, file)) {
      snprintf(message, CONFIG_MESSAGE_BYTES, "%s: its secret is given as text too: leave one out", name);
      return CONFIG_ERR_SECRET;
    }
  }
  int error = read_secret(path, secret, sizeof secret, why, sizeof why);
  if (error == CONFIG_OK) {
    c->layers[twin - settings] = (uint8_t)setting_layer(c, file);
    error = setting_assign_text(c, twin, setting_layer(c, file), secret, why, sizeof why);
  }
  if (error != CONFIG_OK) snprintf(message, CONFIG_MESSAGE_BYTES, "%s: %s", name, why);
  wipe(secret, sizeof secret);
  return error;
}

static int check_listen(const struct config_list *list, const char *name, char message[CONFIG_MESSAGE_BYTES]) {
  char host[64];
  for (size_t i = 0; i < list->count; i++) {
    if (config_split_address(list->items[i], host, sizeof host) < 0 ||
        !(is_ipv4(host) || is_ipv6(host) || strcmp(host, "localhost") == 0)) {
      snprintf(message, CONFIG_MESSAGE_BYTES, "%s: \"%.80s\" is no address:port, such as 127.0.0.1:8080 or [::1]:8080",
               name, list->items[i]);
      return CONFIG_ERR_VALUE;
    }
  }
  return CONFIG_OK;
}

/* A link is this, a slash and a fragment: nothing in it may end the path early. */
static bool is_public_url(const char *url) {
  size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
  size_t length = strlen(url);
  return scheme && length > scheme && url[scheme] != '/' && url[length - 1] != '/' &&
         !strpbrk(url + scheme, "?#@\"<> ");
}

static int check_origins(const struct config_list *list, const char *key, char message[CONFIG_MESSAGE_BYTES]) {
  for (size_t i = 0; i < list->count; i++) {
    const char *origin = list->items[i];
    size_t scheme = strncmp(origin, "https://", 8) == 0 ? 8 : strncmp(origin, "http://", 7) == 0 ? 7 : 0;
    if (scheme && origin[scheme] && !strpbrk(origin + scheme, "/*?#@;,'\"\\ \t\r\n")) continue;
    snprintf(message, CONFIG_MESSAGE_BYTES,
             "http.%s: \"%.80s\" is no origin, such as https://clinic.example (no path, no wildcard)", key, origin);
    return CONFIG_ERR_VALUE;
  }
  return CONFIG_OK;
}

static int check_http(const struct config *c, char message[CONFIG_MESSAGE_BYTES]) {
  int error = check_listen(&c->http.listen, "http.listen", message);
  if (!error) error = check_listen(&c->http.admin_listen, "http.admin_listen", message);
  if (error) return error;
  if (c->http.listen.count == 0) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "http.listen: is empty: nobody could connect");
    return CONFIG_ERR_VALUE;
  }
  if (!*c->http.tls_certificate != !*c->http.tls_key) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "http.tls_certificate and http.tls_key: give both or none");
    return CONFIG_ERR_VALUE;
  }
  if (*c->http.public_url && !is_public_url(c->http.public_url)) {
    snprintf(message, CONFIG_MESSAGE_BYTES,
             "http.public_url: \"%.80s\" is no address such as https://meet.clinic.example (no slash at the end)",
             c->http.public_url);
    return CONFIG_ERR_VALUE;
  }
  error = check_origins(&c->http.allowed_origins, "allowed_origins", message);
  return error ? error : check_origins(&c->http.frame_ancestors, "frame_ancestors", message);
}

static int check_media(const struct config *c, char message[CONFIG_MESSAGE_BYTES]) {
  const char *wrong = NULL;
  if (*c->media.address && !is_ipv4(c->media.address))
    wrong = "media.address: is no IPv4 address";
  else if (*c->media.address_ipv6 && !is_ipv6(c->media.address_ipv6))
    wrong = "media.address_ipv6: is no IPv6 address";
  else if (!*c->media.address && !*c->media.address_ipv6)
    wrong = "media.address and media.address_ipv6: one of them is needed";
  else if (c->media.port + c->media.workers > 65536)
    wrong = "media.port: leaves no room for a port per worker below 65536";
  for (size_t i = 0; i < c->media.announced_addresses.count && !wrong; i++)
    if (!is_ipv4(c->media.announced_addresses.items[i]) && !is_ipv6(c->media.announced_addresses.items[i]))
      wrong = "media.announced_addresses: holds something that is no numeric address";
  if (!wrong && c->rooms.video_codecs.count == 0) wrong = "rooms.video_codecs: is empty";
  if (!wrong && *c->runtime_directory != '/') wrong = "runtime_directory: is no absolute path";
  if (!wrong && strlen(c->runtime_directory) > 80) wrong = "runtime_directory: is too long for a UNIX socket's name";
  if (!wrong) return CONFIG_OK;
  snprintf(message, CONFIG_MESSAGE_BYTES, "%s", wrong);
  return CONFIG_ERR_VALUE;
}

/* Whoever sets the people alone need not know of the queue. */
static int check_limits(struct config *c, char message[CONFIG_MESSAGE_BYTES]) {
  int64_t floor = config_send_queue_floor(c->rooms.max_participants);
  if (c->limits.send_queue_bytes >= floor) return CONFIG_OK;
  if (setting_layer(c, setting_find("limits.send_queue_bytes")) == CONFIG_DEFAULT) {
    c->limits.send_queue_bytes = floor;
    return CONFIG_OK;
  }
  snprintf(message, CONFIG_MESSAGE_BYTES,
           "limits.send_queue_bytes: a full room would let nobody in; %" PRId64
           " participants (rooms.max_participants) need %" PRId64,
           c->rooms.max_participants, floor);
  return CONFIG_ERR_VALUE;
}

/* RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits for "HS256") or larger MUST be
 * used with this algorithm." */
static int check_secrets(const struct config *c, char message[CONFIG_MESSAGE_BYTES]) {
  const char *wrong = NULL;
  if (!*c->tokens.secret)
    wrong = "tokens.secret (or tokens.secret_file): is needed; `openssl rand -base64 48` makes one";
  else if (strlen(c->tokens.secret) < 32)
    wrong = "tokens.secret: is shorter than 32 bytes";
  else if (*c->admin.token && strlen(c->admin.token) < 16)
    wrong = "admin.token: is shorter than 16 bytes";
  else if (*c->turn.secret && c->turn.urls.count == 0)
    wrong = "turn.urls: is empty though turn.secret is set";
  else if (!*c->turn.secret && c->turn.urls.count > 0)
    wrong = "turn.secret: is needed for turn.urls";
  if (!wrong) return CONFIG_OK;
  snprintf(message, CONFIG_MESSAGE_BYTES, "%s", wrong);
  return CONFIG_ERR_SECRET;
}

int config_finish(struct config *c, char message[CONFIG_MESSAGE_BYTES]) {
  int error = CONFIG_OK;
  for (size_t i = 0; i < settings_count && !error; i++)
    if (settings[i].flags & SETTING_SECRET_FILE) error = take_secret(c, &settings[i], message);
  if (!error) error = check_http(c, message);
  if (!error) error = check_media(c, message);
  if (!error) error = check_limits(c, message);
  if (!error) error = check_secrets(c, message);
  return error;
}
