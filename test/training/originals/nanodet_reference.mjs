// Runs NanoDet in the TensorFlow.js runtime and keeps what test_tfjs.py compares with:
//
//   npm install @tensorflow/tfjs@4.22.0
//   node nanodet_reference.mjs FOLDER_OF_NANODET_JSON data/nanodet_reference.f32.gz
//
// The result holds, for either of two synthetic images, the six outputs sorted by name, of each
// only every 13th cell; float32, gzipped.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';

const SIZE = 416;
const MEAN = [103.53, 116.28, 123.675]; // blue, green, red, as NanoDet was trained
const STD = [57.375, 57.12, 58.395];
const KEEP_EVERY = 13;

// The same recipe as synthetic_image in test_tfjs.py.
function syntheticImage(seed) {
  const image = new Float32Array(3 * SIZE * SIZE);
  let i = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const mixed = x * (3 + c + seed) + y * (5 + 2 * c) + Math.floor((x * y) / (7 + seed));
        image[i++] = ((mixed % 256) - MEAN[c]) / STD[c];
      }
    }
  }
  return tf.tensor(image, [1, 3, SIZE, SIZE]);
}

const [folder, resultPath] = process.argv.slice(2);
const model = JSON.parse(readFileSync(join(folder, 'nanodet.json')));
const [weights] = model.weightsManifest;
const bytes = readFileSync(join(folder, weights.paths[0]));
const network = await tf.loadGraphModel({
  load: async () => ({
    modelTopology: model.modelTopology,
    signature: model.signature,
    weightSpecs: weights.weights,
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  }),
});
const names = Object.keys(model.signature.outputs).sort();
const kept = [];
for (const seed of [0, 1]) {
  for (const output of network.execute(syntheticImage(seed), names)) {
    kept.push(...output.arraySync()[0].filter((_, cell) => cell % KEEP_EVERY === 0).flat());
  }
}
writeFileSync(resultPath, gzipSync(new Uint8Array(new Float32Array(kept).buffer)));
