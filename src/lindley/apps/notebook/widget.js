// Shows a page in a frame, and carries its requests to the kernel. In a frame of its own neither the page's style nor its
// keys reach the notebook.
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "Label items";
  frame.style.cssText = "display: block; box-sizing: border-box; width: 100%; height: 42rem; border: 1px solid #8a929c";
  frame.srcdoc = "<p>Loading … The page comes once the kernel is free. If the kernel was restarted, run the cell again.</p>";

  const waiting = new Map();
  const receive = ({ id, status, type }, [body]) => {
    waiting.get(id)?.(new Response(body, { status, headers: { "Content-Type": type } }));
    waiting.delete(id);
  };
  frame.send = (path, { method = "GET", body = "" } = {}) => new Promise((resolve) => {
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");  // other views get its answer, too
    waiting.set(id, resolve);
    model.send({ id, method, path, body });
  });
  frame.open = async (path) => {
    frame.path = path;
    frame.srcdoc = await (await frame.send(path)).text();
  };

  const follow = (event) => {
    const path = event.target.closest("a")?.getAttribute("href");
    if (!path) return;
    event.preventDefault();
    if (path.startsWith("/")) frame.open(path);
    if (path.startsWith("#")) Object.assign(frame.contentDocument.querySelector(path), { tabIndex: -1 }).focus();
  };
  frame.addEventListener("load", () => {
    const isLight = document.body.dataset.jpThemeLight;  // JupyterLab's, which the person's own choice outranks
    if (isLight) frame.contentDocument.documentElement.dataset.theme ??= isLight === "true" ? "light" : "dark";
    frame.contentDocument.addEventListener("click", follow);
  });
  model.on("msg:custom", receive);
  el.append(frame);
  frame.open("/");
  return () => model.off("msg:custom", receive);
}

export default { render };
