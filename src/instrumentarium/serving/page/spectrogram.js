// A mel spectrogram of any length, drawn on a canvas in pieces so that the page stays alive.

const SIZE = 2048, RANGE_DB = 80, BANDS = 128, COLUMNS = 1000, FRAMES_A_COLUMN = 4, LOWEST_HZ = 40;
const MAGMA = ["000004", "180f3d", "440f76", "721f81", "9e2f7f", "cd4071", "f1605d", "fd9668", "feca8d", "fcfdbf"].map(
  (hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)),
);
const toMel = (hz) => 2595 * Math.log10(1 + hz / 700);
const toHz = (mel) => 700 * (10 ** (mel / 2595) - 1);

/** Where in the picture a frequency lies, from 0 at the bottom to 1 at the top. */
export const heightOf = (hz, highest) => (toMel(hz) - toMel(LOWEST_HZ)) / (toMel(highest) - toMel(LOWEST_HZ));

/** Return decoded audio; rejects what this browser cannot decode. */
export const decode = async (file) => new OfflineAudioContext(1, 1, 44100).decodeAudioData(await file.arrayBuffer());

/** In-place FFT of SIZE complex numbers (Cooley and Tukey, radix 2). */
function transform(re, im, cos, sin) {
  for (let i = 1, j = 0; i < SIZE; i++) {
    let bit = SIZE >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let length = 2; length <= SIZE; length <<= 1) {
    const half = length >> 1, step = SIZE / length;
    for (let start = 0; start < SIZE; start += length) {
      for (let k = 0; k < half; k++) {
        const a = start + k, b = a + half, c = cos[k * step], s = sin[k * step];
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
      }
    }
  }
}

/** Return mel power, (columns × BANDS), of audio; null if `signal` is aborted meanwhile. */
async function melPower(buffer, columns, signal) {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n));
  const cos = new Float32Array(SIZE / 2), sin = new Float32Array(SIZE / 2), window = new Float32Array(SIZE);
  for (let k = 0; k < SIZE / 2; k++) { cos[k] = Math.cos((2 * Math.PI * k) / SIZE); sin[k] = -Math.sin((2 * Math.PI * k) / SIZE); }
  for (let k = 0; k < SIZE; k++) window[k] = 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / SIZE);
  const low = toMel(LOWEST_HZ), high = toMel(buffer.sampleRate / 2);
  const edges = Array.from({ length: BANDS + 1 }, (_, n) => (toHz(low + ((high - low) * n) / BANDS) * SIZE) / buffer.sampleRate);
  const power = new Float32Array(columns * BANDS), re = new Float32Array(SIZE), im = new Float32Array(SIZE);
  const wide = buffer.length / columns, frames = Math.min(FRAMES_A_COLUMN, Math.max(1, Math.round((2 * wide) / SIZE)));
  let rested = performance.now();
  for (let column = 0; column < columns; column++) {
    for (let frame = 0; frame < frames; frame++) {
      const first = Math.round((column + (frame + 0.5) / frames) * wide - SIZE / 2);
      for (let k = 0; k < SIZE; k++) {
        let sum = 0;
        for (const channel of channels) sum += channel[first + k] ?? 0;
        re[k] = (sum / channels.length) * window[k]; im[k] = 0;
      }
      transform(re, im, cos, sin);
      for (let band = 0; band < BANDS; band++) {
        const from = Math.floor(edges[band]), to = Math.min(SIZE / 2, Math.max(from + 1, Math.floor(edges[band + 1])));
        let most = 0;
        for (let k = from; k < to; k++) most = Math.max(most, re[k] * re[k] + im[k] * im[k]);
        power[column * BANDS + band] += most / frames;
      }
    }
    if (performance.now() - rested > 30) {
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
      if (signal.aborted) return null;
    }
  }
  return power;
}

/** Draw the spectrogram of decoded audio; return its highest frequency in Hz, or null if it was aborted. */
export async function draw(canvas, buffer, signal) {
  const columns = Math.max(1, Math.min(COLUMNS, Math.floor((4 * buffer.length) / SIZE)));
  const power = await melPower(buffer, columns, signal);
  if (power === null) return null;
  const peak = power.reduce((most, value) => Math.max(most, value), 1e-20);
  canvas.width = columns; canvas.height = BANDS;
  const image = new ImageData(columns, BANDS);
  for (let column = 0; column < columns; column++) {
    for (let band = 0; band < BANDS; band++) {
      const db = 10 * Math.log10(Math.max(power[column * BANDS + band] / peak, 1e-12));
      const place = Math.max(0, 1 + db / RANGE_DB) * (MAGMA.length - 1), n = Math.min(MAGMA.length - 2, Math.floor(place));
      const at = 4 * ((BANDS - 1 - band) * columns + column);
      for (let part = 0; part < 3; part++) image.data[at + part] = MAGMA[n][part] + (place - n) * (MAGMA[n + 1][part] - MAGMA[n][part]);
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return buffer.sampleRate / 2;
}
