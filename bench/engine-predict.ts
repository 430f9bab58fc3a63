import type { Choice } from './engine-options.ts'
export async function predictRows(choice: Choice): Promise<void> {
  void choice
}
