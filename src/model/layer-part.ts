// Parts of a layer, the unit in which weights are read from disk for each token: what is computed one after
// the other. A part of a model is named by a whole number, LAYER_PARTS times its layer and its place in it;
// native/stage/layer_layout.h has the tensors of each. Pure.

/** Attention, gate and up (of all experts), down. */
export const LAYER_PARTS = 3

/** @param place 0 to 2, as in LAYER_PARTS. */
export function partAt(layer: number, place: number): number {
  return LAYER_PARTS * layer + place
}

export function layerOf(part: number): number {
  return Math.floor(part / LAYER_PARTS)
}

/** 0 to 2, as in LAYER_PARTS. */
export function placeOf(part: number): number {
  return part % LAYER_PARTS
}

/** Every part of these layers, in their order. */
export function partsOf(layers: readonly number[]): number[] {
  const parts: number[] = []
  for (const layer of layers) {
    for (let place = 0; place < LAYER_PARTS; place++) parts.push(partAt(layer, place))
  }
  return parts
}

/** The layers that these parts are of, each once; both ascending. */
export function layersOf(parts: readonly number[]): number[] {
  return [...new Set(parts.map(layerOf))]
}
