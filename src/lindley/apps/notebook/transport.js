// How requests travel in a notebook: the frame around this document carries them to the kernel.
export const NO_ANSWER = "The kernel does not answer. If it was restarted, run the cell again.";

const frame = window.frameElement;
const PATIENCE = 20_000;  // a busy kernel answers later; until then the page says so, and asks again

// The browser's own is there only where the notebook comes over HTTPS, or from this machine.
crypto.randomUUID ??= () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
  (digit ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> digit / 4).toString(16));

export function send(path, options) {
  return new Promise((resolve, reject) => {
    setTimeout(reject, PATIENCE, new Error(NO_ANSWER));
    frame.send(path, options).then(resolve, reject);
  });
}

export const reload = () => frame.open(frame.path);

export async function setSource(image, url) {
  const content = await send(url).then((response) => response.blob()).catch(() => new Blob());
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.src = URL.createObjectURL(content);
}
