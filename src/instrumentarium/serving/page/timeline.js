// Which instruments play, and when, at thresholds of the reader's choice: the rules of predicting/timeline.py.

/** Return a score as the model computed it, before its logit was divided by the temperature. */
export function uncalibrated(score, temperature) {
  if (temperature === 1 || score <= 0 || score >= 1) return score;
  const odds = (score / (1 - score)) ** temperature;
  return odds / (1 + odds);
}

/** Return a score of the model as it is reported. */
export const calibrated = (score, temperature) => uncalibrated(score, 1 / temperature);

const rounded = (value) => Math.round(value * 1e6) / 1e6;

/**
 * Return the stretches in which instruments play, by start, then by instrument.
 * `limits` are thresholds by code, for scores before calibration.
 */
export function findStretches(prediction, model, limits) {
  const { step_s: step, scores, strongest } = prediction.frames;
  const { release, minimum_s: minimum } = model.timeline;
  const duration = prediction.duration_s;
  const shortest = Math.min(minimum, duration) - 1e-9;
  const found = [];
  model.instruments.forEach(({ code }, place) => {
    const raw = scores[code].map((score) => uncalibrated(score, model.temperature));
    const limit = limits[code];
    const own = [];
    for (let begin = 0; begin < raw.length; begin++) {
      if (raw[begin] < release * limit) continue;
      let end = begin;
      while (end < raw.length && raw[end] >= release * limit) end++;
      const start = begin * step, stop = Math.min(end * step, duration);
      if (Math.max(...raw.slice(begin, end)) >= limit && stop - start >= shortest) {
        const mean = scores[code].slice(begin, end).reduce((sum, score) => sum + score, 0) / (end - begin);
        own.push({ instrument: code, start_s: rounded(start), end_s: rounded(stop), score: rounded(mean), place });
      }
      begin = end;
    }
    if (!own.length && plays(prediction, model, limits, code)) own.push({ instrument: code, ...strongest[code], place });
    found.push(...own);
  });
  found.sort((one, other) => one.start_s - other.start_s || one.place - other.place);
  return found.map(({ place, ...stretch }) => stretch);
}

/** Return whether an instrument plays in the recording. */
export const plays = (prediction, model, limits, code) =>
  uncalibrated(prediction.instruments[code].score, model.temperature) >= limits[code];

/** Return the model's own thresholds by code. */
export const ownLimits = (model) => Object.fromEntries(model.instruments.map(({ code, threshold }) => [code, threshold]));

/** Return one threshold, for scores as they are reported, for all instruments. */
export function sameLimits(model, score) {
  const limit = uncalibrated(score, model.temperature);
  return Object.fromEntries(model.instruments.map(({ code }) => [code, limit]));
}

/** Return a prediction (without its frames) as other thresholds decide it. */
export function decidedBy(prediction, model, limits) {
  const { frames, ...rest } = prediction;
  const instruments = {};
  for (const { code } of model.instruments) {
    instruments[code] = { score: prediction.instruments[code].score, present: plays(prediction, model, limits, code) };
  }
  return { ...rest, instruments, timeline: findStretches(prediction, model, limits) };
}
