// How requests travel in a notebook: the frame of this document carries them to the kernel.
const frame = window.frameElement;
const PATIENCE = 20_000;  // then the page says that answers wait, and sends them again

// Only pages over HTTPS, or of this machine, have their own.
crypto.randomUUID ??= () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
  (digit ^ crypto.getRandomValues(new Uint8Array(1))[0] & 15 >> digit / 4).toString(16));

export function send(path, options) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("The kernel is busy, or it ended.")), PATIENCE);
    frame.send(path, options).then(resolve, reject);
  });
}

export const reload = () => frame.open(frame.path);

export async function setSource(image, url) {
  const content = await send(url).then((response) => response.blob()).catch(() => new Blob());
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.src = URL.createObjectURL(content);
}
