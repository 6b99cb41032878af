// A prediction as `instrumentarium predict` writes it: JSON, CSV, Audacity's label track.

const PAGES_END = "\n";
const cell = (text) => (/^[=+\-@\t\r]/.test(text) && text !== "-" ? `'${text}` : text);
const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Return a prediction in a format, and how such a file ends and is called by browsers. */
export function written(prediction, model, format) {
  const names = Object.fromEntries(model.instruments.map(({ code, name }) => [code, name]));
  if (format === "json") {
    return { text: JSON.stringify([prediction], null, 2) + PAGES_END, suffix: ".json", kind: "application/json" };
  }
  if (format === "csv") {
    const rows = [["path", "duration_s", "instrument", "name", "score", "present", "note", "error"]];
    for (const { code, name } of model.instruments) {
      const { score, present } = prediction.instruments[code];
      const said = [code, cell(name), score.toFixed(6), String(present), prediction.note ?? "", ""];
      rows.push([cell(prediction.path), prediction.duration_s.toFixed(6), ...said]);
    }
    return { text: rows.map((row) => row.map(quoted).join(",")).join("\n") + PAGES_END, suffix: ".csv", kind: "text/csv" };
  }
  const lines = prediction.timeline.map(
    ({ instrument, start_s, end_s }) => `${start_s.toFixed(6)}\t${end_s.toFixed(6)}\t${names[instrument]}`,
  );
  return { text: lines.join("\n") + PAGES_END, suffix: ".txt", kind: "text/plain" };
}

/** Have the browser keep a prediction as a file. */
export function download(prediction, model, format) {
  const { text, suffix, kind } = written(prediction, model, format);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = prediction.path.replace(/\.[^.]*$/, "") + suffix;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
