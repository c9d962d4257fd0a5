// server/web/sdk/errors.js: every failure that the SDK reports, as one class with a stable code.

/**
 * Codes of the server are those of signaling/PROTOCOL.md (`room_full`, `token_expired`, …). The SDK's own:
 * `insecure_context`, `not_supported`, `permission_denied`, `device_not_found`, `device_in_use`, `device_failed`,
 * `device_lost` (unplugged in the call), `connection_lost`, `timeout`, `kicked`, `replaced`, `closed`; of join() also `left` and
 * `moved` (given up by ourselves, or for a call), `wait_declined`, `wait_timeout` (not let in).
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

/** @param {unknown} error @returns {string} the code of ours, `''` for what is not ours */
export function codeOf(error) {
  return error instanceof ConsiliumError ? error.code : '';
}

/** @type {Record<string, string>} */
const DEVICE_CODES = {
  NotAllowedError: 'permission_denied',
  SecurityError: 'permission_denied',
  NotFoundError: 'device_not_found',
  OverconstrainedError: 'device_not_found',
  NotReadableError: 'device_in_use',
};

/**
 * What getUserMedia and getDisplayMedia throw, in our codes.
 * @param {unknown} error
 * @returns {ConsiliumError}
 */
export function deviceError(error) {
  if (error instanceof ConsiliumError) return error;
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  return new ConsiliumError(DEVICE_CODES[name] ?? 'device_failed', message, error);
}
