/* SPDX-License-Identifier: MIT */
#include "oracle/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "oracle/proof.h"

enum {
	AROUND = 6, /* as many events before and after each that is concerned */
	NAMES = 84, /* pixels: of the lanes' names, of a lane, of a bar in it */
	LANE = 40,
	BAR = 24,
	HEAD = 70,	/* above the lanes: times */
	STEP = 34,	/* from a moment to the next */
	WIDE_STEP = 62, /* from or to one that is concerned */
	GAP = 66,	/* where something is left out */
	LETTER = 6,	/* of a bar that is grey */
	BOLD_LETTER = 8,
};

/* A moment at which something begins or ends that is shown. */
struct moment {
	uint64_t time;
	unsigned x;
	bool is_concerned;
	size_t left_out; /* how many operations begin between it and the next */
};

struct timeline {
	FILE *file;
	const struct history *history;
	const struct violation *violation;
	const struct event **shown;
	size_t shown_count;
	struct moment *moments;
	size_t moment_count;
	unsigned width;
};

/* -- what is shown ---------------------------------------------------------------------------- */

/* Its number in the proof, from 1; 0: none. */
static unsigned number_of(const struct violation *violation, const struct event *event)
{
	for (size_t i = 0; i < violation->count; i++) {
		const struct event *one = &violation->events[i];

		if (one->invoked == event->invoked && one->actor == event->actor &&
		    one->returned == event->returned)
			return (unsigned)i + 1;
	}
	return 0;
}

/* It is near one that is concerned, or under way as that begins or ends. */
static bool is_near(const struct history *history, const struct violation *violation, size_t number)
{
	const struct event *event = &history->events[number];

	for (size_t i = 0; i < violation->count; i++) {
		const struct event *one = &violation->events[i];
		size_t from = number < AROUND ? 0 : number - AROUND;
		size_t to = number + AROUND < history->count ? number + AROUND : history->count - 1;

		if (history->events[from].invoked <= one->invoked &&
		    one->invoked <= history->events[to].invoked)
			return true;
		if (event->invoked <= one->invoked && one->invoked <= event->returned)
			return true;
		if (event->invoked <= one->returned && one->returned <= event->returned &&
		    one->returned != NEVER)
			return true;
	}
	return false;
}

static int by_time(const void *one, const void *other)
{
	const struct moment *a = one, *b = other;

	return (a->time > b->time) - (a->time < b->time);
}

static void add_moment(struct timeline *line, uint64_t time, bool is_concerned)
{
	if (time != NEVER)
		line->moments[line->moment_count++] =
			(struct moment){.time = time, .is_concerned = is_concerned};
}

static void merge_moments(struct timeline *line)
{
	size_t count = 0;

	qsort(line->moments, line->moment_count, sizeof(*line->moments), by_time);
	for (size_t i = 0; i < line->moment_count; i++) {
		if (count && line->moments[count - 1].time == line->moments[i].time)
			line->moments[count - 1].is_concerned |= line->moments[i].is_concerned;
		else
			line->moments[count++] = line->moments[i];
	}
	line->moment_count = count;
}

/* The last moment that is not after the time. */
static struct moment *moment_at(const struct timeline *line, uint64_t time)
{
	size_t low = 0, high = line->moment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (line->moments[middle].time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &line->moments[low - 1] : NULL;
}

static bool choose(struct timeline *line)
{
	const struct history *history = line->history;

	line->shown = malloc((history->count + 1) * sizeof(*line->shown));
	line->moments = malloc((2 * history->count + 1) * sizeof(*line->moments));
	if (!line->shown || !line->moments)
		return false;
	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		bool is_concerned = number_of(line->violation, event) > 0;

		if (!is_concerned && !is_near(history, line->violation, i))
			continue;
		line->shown[line->shown_count++] = event;
		add_moment(line, event->invoked, is_concerned);
		add_moment(line, event->returned, is_concerned);
	}
	merge_moments(line);
	return true;
}

static void place(struct timeline *line)
{
	const struct history *history = line->history;
	unsigned x = NAMES + STEP / 2;

	for (size_t i = 0; i < history->count; i++) {
		const struct event *event = &history->events[i];
		struct moment *moment = moment_at(line, event->invoked);

		if (moment && moment->time != event->invoked)
			moment->left_out++;
	}
	for (size_t i = 0; i < line->moment_count; i++) {
		struct moment *moment = &line->moments[i];
		bool is_wide = moment->is_concerned ||
			       (i + 1 < line->moment_count && line->moments[i + 1].is_concerned);

		moment->x = x;
		x += moment->left_out && i + 1 < line->moment_count ? GAP
		     : is_wide					    ? WIDE_STEP
								    : STEP;
	}
	line->width = x + STEP;
}

/* -- how -------------------------------------------------------------------------------------- */

static void print_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", file);
		else if (*text == '<')
			fputs("&lt;", file);
		else if ((unsigned char)*text >= ' ')
			fputc(*text, file);
	}
}

static double microseconds(const struct timeline *line, uint64_t time)
{
	return (double)(time - line->history->events[0].invoked) / 1000;
}

static void print_head(const struct timeline *line, const char *title)
{
	FILE *file = line->file;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", file);
	print_text(file, title);
	fputs("</title><style>\n"
	      "body{font:15px/1.5 sans-serif;margin:2em;color:#222;background:#fff}\n"
	      "div{overflow-x:auto;border:1px solid #ddd;margin:1em 0}\n"
	      "li{margin:.2em 0} .small{color:#666;font-size:13px}\n"
	      "</style></head><body>\n<h1 style=\"font-size:20px\">",
	      file);
	print_text(file, title);
	fputs("</h1>\n<p><b>No order of these operations, each between its call and its return, "
	      "is one that the object allows:</b> ",
	      file);
	print_text(file, line->violation->proof);
	fputs(".</p>\n", file);
}

static unsigned height_of(const struct timeline *line)
{
	return HEAD + line->history->actors * LANE + 10;
}

static void print_lanes(const struct timeline *line)
{
	FILE *file = line->file;

	fprintf(file,
		"<div><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		line->width, height_of(line), line->width, height_of(line));
	for (unsigned actor = 0; actor < line->history->actors; actor++) {
		unsigned y = HEAD + actor * LANE;

		fprintf(file,
			"<rect x=\"0\" y=\"%u\" width=\"%u\" height=\"%d\" fill=\"%s\"/>"
			"<text x=\"10\" y=\"%u\" fill=\"#222\">actor %u</text>\n",
			y, line->width, LANE, actor % 2 ? "#fff" : "#f6f6f6", y + LANE / 2 + 4,
			actor);
	}
}

static void print_moments(const struct timeline *line)
{
	unsigned bottom = height_of(line) - 10;

	for (size_t i = 0; i < line->moment_count; i++) {
		const struct moment *moment = &line->moments[i];

		if (moment->is_concerned)
			fprintf(line->file,
				"<path d=\"M%u %u V%u\" stroke=\"#b03a2e\" "
				"stroke-dasharray=\"2 3\"/>"
				"<text transform=\"translate(%u %d) rotate(-40)\" font-size=\"11\" "
				"fill=\"#b03a2e\">%.3f us</text>\n",
				moment->x, HEAD - 6, bottom, moment->x + 2, HEAD - 10,
				microseconds(line, moment->time));
		if (moment->left_out && i + 1 < line->moment_count)
			fprintf(line->file,
				"<text x=\"%u\" y=\"%d\" text-anchor=\"middle\" font-size=\"10\" "
				"fill=\"#888\">%zu more</text>\n",
				(moment->x + line->moments[i + 1].x) / 2, HEAD - 8,
				moment->left_out);
	}
}

static void print_bar(const struct timeline *line, const struct event *event)
{
	bool is_open = event->returned == NEVER;
	unsigned number = number_of(line->violation, event);
	unsigned from = moment_at(line, event->invoked)->x;
	unsigned until = is_open ? line->width : moment_at(line, event->returned)->x;
	unsigned y = HEAD + event->actor * LANE + (LANE - BAR) / 2;
	unsigned width = until > from + 4 ? until - from : 4;
	char deed[TOLD_MAX], whole[TOLD_MAX], label[TOLD_MAX + 8];

	deed_of(event, deed);
	fprintf(line->file,
		"<g><title>%s</title><rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%d\" rx=\"4\" "
		"fill=\"%s\" stroke=\"%s\"%s/>",
		told(line->history, event, whole), from, y, width, BAR,
		number ? "#c0562e" : "#dcdcdc", number ? "#7d3216" : "#b8b8b8",
		is_open ? " stroke-dasharray=\"4 3\" fill-opacity=\"0.6\"" : "");
	if (number)
		snprintf(label, sizeof(label), "%u: %s", number, deed);
	else
		snprintf(label, sizeof(label), "%s", deed);
	if (strlen(label) * BOLD_LETTER > width && number)
		snprintf(label, sizeof(label), "%u", number);
	if (strlen(label) * LETTER <= width)
		fprintf(line->file,
			"<text x=\"%u\" y=\"%u\" text-anchor=\"middle\" font-size=\"%d\" "
			"fill=\"%s\"%s>%s</text>",
			from + width / 2, y + BAR / 2 + 4, number ? 12 : 10,
			number ? "#fff" : "#777", number ? " font-weight=\"bold\"" : "", label);
	fputs("</g>\n", line->file);
}

static void print_foot(const struct timeline *line)
{
	FILE *file = line->file;
	char text[TOLD_MAX];

	fputs("</svg></div>\n<ol>\n", file);
	for (size_t i = 0; i < line->violation->count; i++)
		fprintf(file, "<li>%s</li>\n",
			told(line->history, &line->violation->events[i], text));
	fprintf(file,
		"</ol>\n<p class=\"small\">%zu operations were recorded, %zu are drawn. The axis "
		"is "
		"the order of beginnings and ends, not their distance; where operations are left "
		"out, it says how many. What has no end was under way when its process was "
		"killed.</p>\n</body></html>\n",
		line->history->count, line->shown_count);
}

static void print_page(const struct timeline *line, const char *title)
{
	print_head(line, title);
	print_lanes(line);
	print_moments(line);
	/* those that are concerned over the others */
	for (size_t i = 0; i < line->shown_count; i++)
		if (!number_of(line->violation, line->shown[i]))
			print_bar(line, line->shown[i]);
	for (size_t i = 0; i < line->shown_count; i++)
		if (number_of(line->violation, line->shown[i]))
			print_bar(line, line->shown[i]);
	print_foot(line);
}

bool timeline_write(FILE *file, const struct history *history, const struct violation *violation,
		    const char *title)
{
	struct timeline line = {.file = file, .history = history, .violation = violation};
	bool is_made = history->count > 0 && choose(&line);

	if (is_made) {
		place(&line);
		print_page(&line, title);
	}
	free(line.shown);
	free(line.moments);
	return is_made && fflush(file) == 0 && !ferror(file);
}
