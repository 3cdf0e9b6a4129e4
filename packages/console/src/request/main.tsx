import { mount } from '../shell/mount.tsx'
import { RequestPage } from './RequestPage.tsx'

mount(<RequestPage />)
