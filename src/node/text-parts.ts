// What the text generator needs of a model, in the small shapes that pipeline/ declares.

import type { Clock } from '../base/clock.ts'
import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import type { Model } from '../model/open-model.ts'
import type { TextGeneratorComponents } from '../pipeline/text-generator.ts'

export function textParts(
  { id, hyper, tokenizer, chatTemplate, sampling }: Model,
  clock: Clock
): Pick<
  TextGeneratorComponents,
  'model' | 'tokenizer' | 'template' | 'sampling' | 'contextTokens'
> {
  const { dim, vocabSize, contextLength } = hyper
  const textOf = (token: number | null) => (token === null ? '' : tokenizer.textOf(token))
  return {
    model: { id, arithmeticVersion: ARITHMETIC_VERSION, dim, vocabSize },
    tokenizer: {
      encode: (text, options) => tokenizer.encode(text, options),
      decoder: (atStart) => tokenizer.decoder(atStart),
      stopIds: [...tokenizer.stopIds],
      vocabSize
    },
    template: chatTemplate && {
      render: (messages) =>
        chatTemplate.render(messages, {
          addGenerationPrompt: true,
          bosToken: textOf(tokenizer.bosId),
          eosToken: textOf(tokenizer.eosId),
          now: new Date(clock.wallMs())
        })
    },
    sampling,
    contextTokens: contextLength
  }
}
