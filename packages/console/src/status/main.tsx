import { mount } from '../shell/mount.tsx'
import { StatusPage } from './StatusPage.tsx'

mount(<StatusPage />)
