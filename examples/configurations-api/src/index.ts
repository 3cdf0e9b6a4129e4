export {
  startConfigurationsApi,
  type ConfigurationsApiOptions,
  type RunningConfigurationsApi,
} from './start-configurations-api.ts'
