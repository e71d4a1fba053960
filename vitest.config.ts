import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['gapless-source'] },
  ssr: { resolve: { conditions: ['gapless-source'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // Many of them encode or decode real video, on machines that may have better things to do.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: [
            'packages/*/src/**/*.test.ts',
            'test/harness/src/**/*.test.ts',
            'demo/src/**/*.test.ts',
            'test/repo/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        // Whole daemons as separate processes: one file at a time on a small machine.
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
