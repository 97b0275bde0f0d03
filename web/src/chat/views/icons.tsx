// Small pictures on buttons; the buttons say in words what they are.
const icon = (path: string) => (
  <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" class="icon">
    <path d={path} />
  </svg>
);

export const ReactIcon = () =>
  icon('M20 12.5A8.5 8.5 0 1 1 12.5 4M8.5 14.5a4.5 4.5 0 0 0 7 0M9 9.6v.2M15 9.6v.2M19 3v6M16 6h6');
export const PinIcon = () => icon('M9 4h6l-1 6 4 3.5v1.5H6v-1.5L10 10 9 4ZM12 15v6');
export const EditIcon = () => icon('M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19 4 20ZM14 6.5l3.5 3.5');
export const RecallIcon = () => icon('M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v5.5M13.7 10.5v5.5');
export const AnswerIcon = () => icon('M9.5 6 4 11.5 9.5 17M4.5 11.5H14a6 6 0 0 1 6 6v1');
export const VersionsIcon = () => icon('M4.5 12a7.5 7.5 0 1 0 2.3-5.4L4.5 9M4.5 4.5V9H9M12 8v4.5l3 1.8');
export const SearchIcon = () => icon('M10.8 17.3a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20');
export const HideIcon = () =>
  icon(
    'M4 4l16 16M9.5 6.2A9.6 9.6 0 0 1 21 12a12 12 0 0 1-2.3 3M6.3 8A12 12 0 0 0 3 12c2.5 5 7.5 7 12 5.3M10 10a3 3 0 0 0 4 4',
  );
export const ThreadIcon = () => icon('M4 5h12v8H9l-3.5 3v-3H4ZM19 9.5v8h-1.5V20L14 17.5h-4');
export const SeenIcon = () => icon('m3 12.5 4.5 4.5L16 8M12 16l1 1 8-9');
export const ForwardIcon = () => icon('m14.5 6 5.5 5.5-5.5 5.5M19.5 11.5H10a6 6 0 0 0-6 6v1');
export const PeopleIcon = () =>
  icon(
    'M9 11.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM3 19c0-3 2.7-5 6-5s6 2 6 5M15.5 5.5a3.2 3.2 0 0 1 0 5.6M17.5 14.3c2 .7 3.5 2.4 3.5 4.7',
  );
export const AboutIcon = () => icon('M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11v5.5M12 7.6v.1');
export const ReportIcon = () => icon('M5.5 21V4M5.5 5c4-2.5 8 2.5 13 0v9c-5 2.5-9-2.5-13 0');
export const NoticesIcon = () =>
  icon('M6 16.5c1-1.2 1.2-3 1.2-6a4.8 4.8 0 0 1 9.6 0c0 3 .2 4.8 1.2 6ZM10.3 19.5h3.4M12 5.5V4');
export const MoreIcon = () => icon('M12 5.5v.1M12 12v.1M12 18.5v.1');
export const MutedIcon = () =>
  icon('M9.5 5.2A5 5 0 0 1 17 9.5c0 2.5.5 4 1.2 5M15 17H5.5c1-1 1.5-3 1.5-5.5M10.5 20h3M4 4l16 16');
export const AttachIcon = () =>
  icon(
    'M19.5 11.5 12 19a4.6 4.6 0 0 1-6.5-6.5l7.8-7.8a3.1 3.1 0 0 1 4.4 4.4l-7.8 7.8a1.5 1.5 0 0 1-2.2-2.2l7-7',
  );
export const FileIcon = () => icon('M6 3h8l4.5 4.5V21H6ZM14 3v4.5h4.5');
