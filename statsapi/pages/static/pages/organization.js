// The table of an organization's projects: sorting and searching without a new page. The address keeps the whole state.
"use strict";

const table = document.getElementById("projects");
if (table) {
  const form = document.getElementById("state");
  const search = document.getElementById("q");
  const louder = document.getElementById("louder");
  const found = document.getElementById("found");
  const heads = [...table.tHead.querySelectorAll("th[data-column]")];
  const columns = heads.map((head) => head.dataset.column);
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({
    row,
    keys: row.dataset.keys.split(",").map((key) => (key === "" ? null : Number(key))), // a key for each of `columns`
    name: row.cells[0].firstElementChild.textContent.toLowerCase(),
    slug: row.cells[0].firstElementChild.pathname.split("/").at(-2),
  }));

  const address = (changes) => {
    const url = new URL(location.href);
    for (const [name, value] of changes) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    return url.pathname + url.search;
  };

  // Puts the state into the address, and into every link and field that leads to another state.
  const remember = (changes) => {
    history.replaceState(null, "", address(changes));
    for (const link of document.querySelectorAll("a[data-sets]")) {
      link.href = address(new URLSearchParams(link.dataset.sets));
    }
    for (const [name, value] of changes) form.elements[name].value = value;
  };

  const sort = (column, order) => {
    const place = columns.indexOf(column);
    const sign = order === "desc" ? -1 : 1;
    rows.sort(({ keys: one }, { keys: other }) => {
      if (one[place] === null || other[place] === null) {
        return (one[place] === null) - (other[place] === null) || one[0] - other[0];
      }
      return sign * (one[place] - other[place]) || one[0] - other[0];
    });
    body.append(...rows.map(({ row }) => row));
    for (const head of heads) {
      const link = head.firstElementChild;
      const isSorted = head.dataset.column === column;
      if (isSorted) head.setAttribute("aria-sort", order === "desc" ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      const next = isSorted ? (order === "desc" ? "asc" : "desc") : head.dataset.first;
      link.dataset.sets = `sort=${head.dataset.column}&order=${next}`;
    }
    if (column === "change" && order === "desc") louder.setAttribute("aria-current", "true");
    else louder.removeAttribute("aria-current");
    remember([["sort", column], ["order", order]]);
  };

  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let number = 0;
    for (const { row, name, slug } of rows) {
      row.hidden = !name.includes(wanted) && !slug.includes(wanted);
      number += !row.hidden;
    }
    found.hidden = !wanted;
    found.firstElementChild.textContent = number;
  };

  for (const link of [...table.tHead.querySelectorAll("a"), louder]) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const sets = new URLSearchParams(link.dataset.sets);
      sort(sets.get("sort"), sets.get("order"));
    });
  }
  search.addEventListener("input", () => {
    filter();
    history.replaceState(null, "", address([["q", search.value.trim()]]));
    for (const link of document.querySelectorAll("a[data-sets]")) {
      link.href = address(new URLSearchParams(link.dataset.sets));
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault()); // Enter in the search: it is already done
  form.elements.category.addEventListener("change", () => form.submit());
}
