(() => {
  const film = document.querySelector(".film svg.all");
  if (!film) return;
  const panel = document.querySelector(".inspect");
  const hint = panel.textContent;
  const clear = () => {
    film.classList.remove("chosen");
    film.querySelectorAll(".on").forEach((mark) => mark.classList.remove("on"));
    film.querySelectorAll(".path").forEach((line) => line.remove());
    panel.textContent = hint;
  };
  const place = (mark) => [mark.getAttribute("data-x") + "%", mark.getAttribute("data-y")];
  const connect = (marks) => marks.slice(1).forEach((mark, at) => {
    const line = document.createElementNS(film.namespaceURI, "line");
    const [x1, y1] = place(marks[at]), [x2, y2] = place(mark);
    Object.entries({ x1, y1, x2, y2, class: "path" }).forEach(([key, value]) => line.setAttribute(key, value));
    film.append(line);
  });
  const show = (marks) => {
    const list = document.createElement("ol");
    marks.forEach((mark) => {
      const item = document.createElement("li");
      item.textContent = mark.querySelector("title").textContent;
      list.append(item);
    });
    panel.replaceChildren(list);
  };
  film.addEventListener("click", (click) => {
    const mark = click.target.closest(".m");
    clear();
    if (!mark) return;
    const event = mark.getAttribute("data-e");
    const marks = event ? [...film.querySelectorAll(`.m[data-e="${event}"]`)] : [mark];
    film.classList.add("chosen");
    marks.forEach((one) => one.classList.add("on"));
    connect(marks);
    show(marks);
  });
  document.querySelectorAll(".tools button[data-group]").forEach((button) => button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    film.querySelectorAll(".m.g-" + button.dataset.group).forEach((mark) => { mark.style.display = on ? "" : "none"; });
  }));
  const zooms = document.querySelectorAll(".tools button[data-zoom]");
  zooms.forEach((button) => button.addEventListener("click", () => {
    const film_box = film.parentElement;
    const middle = (film_box.scrollLeft + film_box.clientWidth / 2) / film_box.scrollWidth;
    film.style.width = 100 * button.dataset.zoom + "%";
    zooms.forEach((other) => other.setAttribute("aria-pressed", other === button));
    film_box.scrollLeft = middle * film_box.scrollWidth - film_box.clientWidth / 2;
  }));
})();
