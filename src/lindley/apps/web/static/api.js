// Requests to the application, and the two ways in which one fails.
import { NO_ANSWER, send } from "./transport.js";

export class Unavailable extends Error {}  // no answer: worth another try
export class Refused extends Error {  // an answer that another try does not change
  constructor(message, status) {
    super(/[.!?]$/.test(message) ? message : `${message}.`);  // other sentences follow it
    this.status = status;
  }
}

let token = "";
export const setToken = (csrf) => { token = csrf; };

export async function request(path, body, { keepalive = false } = {}) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify(body),
    keepalive,
  };
  let response;
  try {
    response = await send(path, options);
  } catch {
    throw new Unavailable(NO_ANSWER);
  }
  if (response.status >= 500) throw new Unavailable(`The server has a fault (${response.status}).`);
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Unavailable("The server's answer was cut off.");
  }
  if (response.ok) return answer;
  const detail = answer.detail;
  throw new Refused(typeof detail === "string" ? detail : JSON.stringify(detail), response.status);
}
