import type { ConfigurationInput } from './configuration.ts'

/** What a fresh database begins with, so that a first request shows something. */
export const sampleConfigurations: readonly ConfigurationInput[] = [
  {
    product: 'espresso-machine',
    name: 'office',
    options: { boiler_temperature_celsius: 93, pre_infusion: true, language: 'en' },
  },
  {
    product: 'espresso-machine',
    name: 'bar',
    options: { boiler_temperature_celsius: 94.5, pre_infusion: false, language: 'it' },
  },
  {
    product: 'grinder',
    name: 'filter-coffee',
    options: { burr_gap_micrometres: 850, dose_grams: 60, quiet: true },
  },
]
