// brittle 4.1: only what the tests call.

declare module 'brittle' {
  export interface Assert {
    (actual: unknown, expected: unknown, message?: string): void
  }

  export interface Test {
    plan(count: number): void
    is: Assert
    not: Assert
    alike: Assert
    unlike: Assert
    ok(value: unknown, message?: string): void
    absent(value: unknown, message?: string): void
    pass(message?: string): void
    fail(message?: string): void
    exception(work: unknown, expected?: RegExp | object, message?: string): Promise<void>
    execution(work: unknown, message?: string): Promise<unknown>
    teardown(work: () => unknown, options?: { order?: number; force?: boolean }): void
    timeout(ms: number): void
    comment(...text: unknown[]): void
    /** A fresh folder that is removed after the test. */
    tmp(): Promise<string>
    end(): void
  }

  export interface Options {
    timeout?: number
    skip?: boolean
    solo?: boolean
  }

  interface Runner {
    (name: string, body: (t: Test) => unknown): Promise<boolean>
    (name: string, options: Options, body: (t: Test) => unknown): Promise<boolean>
  }

  const test: Runner & { skip: Runner; solo: Runner }
  export default test
}
