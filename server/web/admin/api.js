// server/web/admin/api.js: the HTTP API with the admin's token, which lives in this tab's sessionStorage only.

const KEY = 'consilium.adminToken';

/** Takes the token out of the address bar, where it would be bookmarked and shared. @returns {string | null} */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

export class ApiError extends Error {
  /** @param {number} status 0: no answer at all @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The server's figures as Prometheus has them. @returns {Promise<string>} */
export async function metrics() {
  const response = await fetch('/metrics', { headers: { authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}` }, cache: 'no-store', credentials: 'omit' });
  if (!response.ok) throw new ApiError(response.status, response.statusText);
  return response.text();
}

/**
 * @param {string[]} path of the resource under /api/v1
 * @param {string} [method]
 * @returns {Promise<any>} null without a body
 */
export async function call(path, method = 'GET') {
  const url = `/api/v1/${path.map(encodeURIComponent).join('/')}`;
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}` };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, { method, headers, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    throw new ApiError(0, String(error));
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem.detail ?? problem.title ?? response.statusText);
}
