// How requests travel: to the server that this page comes from. A notebook has another module in this one's place.
export const NO_ANSWER = "The server does not answer.";

export const send = (path, options) => fetch(path, options);

export const reload = () => location.reload();

// Gives an image its address; one that cannot be had is an error of the image.
export async function setSource(image, url) {
  image.src = url;
}
