# Messages, limits, tokens and the listener.
set(SIGNALING_PROTOCOL_SOURCES http_path.c json_limits.c listener.c listener_connection.c listener_http.c listener_response.c
  listener_tls.c listener_websocket.c message.c names.c rate_limit.c resume_key.c schema.c token.c web_files.c web_gzip.c)
