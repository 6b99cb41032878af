// The microphone, without what telephones do to speech.

/** Say why this browser cannot record here; null if it can. */
export function whyNot() {
  if (!window.isSecureContext) return "Browsers allow recording on https and on localhost only.";
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return "This browser cannot record.";
  return null;
}

export class Recorder {
  /** Begin to record; `onSecond` is called with the number of seconds so far. */
  async start(onSecond) {
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    this.recorder = new MediaRecorder(this.stream);
    this.parts = [];
    this.recorder.ondataavailable = ({ data }) => this.parts.push(data);
    this.ended = new Promise((resolve) => { this.recorder.onstop = resolve; });
    this.recorder.start(1000);
    const began = performance.now();
    this.clock = setInterval(() => onSecond(Math.floor((performance.now() - began) / 1000)), 250);
  }

  /** End, and return the recording as a file. */
  async stop() {
    clearInterval(this.clock);
    this.recorder.stop();
    await this.ended;
    for (const track of this.stream.getTracks()) track.stop();
    const type = this.recorder.mimeType || "audio/webm";
    return new File(this.parts, `recording.${type.includes("mp4") ? "m4a" : "webm"}`, { type });
  }
}

/** Return decoded audio as a WAV file: browsers cannot seek in what they recorded themselves. */
export function asWav(buffer) {
  const frames = buffer.length, channel = buffer.getChannelData(0);
  const view = new DataView(new ArrayBuffer(44 + 2 * frames));
  const text = (at, word) => [...word].forEach((sign, n) => view.setUint8(at + n, sign.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * frames, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, buffer.sampleRate, true); view.setUint32(28, 2 * buffer.sampleRate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true); text(36, "data"); view.setUint32(40, 2 * frames, true);
  for (let n = 0; n < frames; n++) view.setInt16(44 + 2 * n, Math.max(-1, Math.min(1, channel[n])) * 32767, true);
  return new Blob([view], { type: "audio/wav" });
}
