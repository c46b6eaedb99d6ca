// Requests to the server. A fault of the network or of the server is a TypeError, which is tried again; others are final.

let csrf = "";

export function setToken(token) {
  csrf = token;
}

export async function request(path, body, options = {}) {
  const post = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, { ...post, ...options });
  if (response.status >= 500) throw new TypeError(`The server has a fault (${response.status}).`);
  const answer = await response.json();
  if (!response.ok) throw new RefusedError(response.status, answer.detail);
  return answer;
}

export class RefusedError extends Error {
  constructor(status, detail) {
    super(typeof detail === "string" ? detail : JSON.stringify(detail));
    this.status = status;
  }
}
