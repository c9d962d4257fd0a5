// server/web/sdk/errors.js: every failure that the SDK reports, as one class with a stable code.

/**
 * Codes of the server are those of signaling/PROTOCOL.md (`room_full`, `token_expired`, …). The SDK's own:
 * `insecure_context`, `permission_denied`, `device_not_found`, `device_in_use`, `device_failed`, `connection_lost`,
 * `timeout`, `closed`, `media_failed`.
 */
export class ConsiliumError extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   * @param {unknown} [cause]
   */
  constructor(code, message = code, cause = undefined) {
    super(message, { cause });
    this.name = 'ConsiliumError';
    this.code = code;
  }
}

/**
 * What getUserMedia and getDisplayMedia throw, in our codes.
 * @param {unknown} error
 * @returns {ConsiliumError}
 */
export function deviceError(error) {
  const name = error instanceof DOMException || error instanceof Error ? error.name : '';
  /** @type {Record<string, string>} */
  const codes = {
    NotAllowedError: 'permission_denied',
    SecurityError: 'permission_denied',
    NotFoundError: 'device_not_found',
    OverconstrainedError: 'device_not_found',
    NotReadableError: 'device_in_use',
    AbortError: 'device_failed',
  };
  return new ConsiliumError(codes[name] ?? 'device_failed', error instanceof Error ? error.message : String(error), error);
}
