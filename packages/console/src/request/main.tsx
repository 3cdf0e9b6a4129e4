import { mount } from '../shell/mount.tsx'
import { RequestPage } from './RequestPage.tsx'

// A link that was cut off, and is pasted whole over it, is another link: browsers load nothing when only the fragment changes.
addEventListener('hashchange', () => location.reload())

mount(<RequestPage />)
